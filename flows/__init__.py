"""The pipeline wired together: stages as Prefect tasks, and the command line."""

import os

# All work is dealt out to threads of our own. OpenBLAS's would wait for more by spinning, on the cores that these need:
# with them, encoding takes a fifth longer. NumPy reads this when it is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
