"""Where recordings come in: folders, S3 prefixes, and queues that tell of objects in S3."""
