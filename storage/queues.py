"""Messages in an SQS queue, or in whatever speaks its protocol."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from asr.errors import ConfigError, FatalError, RetryableError
from storage.busy import code_of, is_busy

_MOST_AT_ONCE = 10
"""SQS gives, deletes and extends at most 10 messages in one request."""

_LONGEST_S = 43_200
"""A message can be kept from others for at most 12 hours after it was received."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message that was received, for the n-th time: no other receiver sees it for a while."""

    id: str
    receipt: str = field(repr=False)
    body: str = field(repr=False)
    receives: int


def receive(queue_url: str, hidden_s: float, wait_s: int = 1) -> list[Message]:
    """Receive up to 10 messages, which others then do not see for so long.

    Raises ConfigError if boto3 is not installed or has no credentials, RetryableError if SQS is away or busy,
    FatalError if it refuses.
    """
    with _client(queue_url) as client:
        answer = client.receive_message(
            QueueUrl=queue_url,
            MaxNumberOfMessages=_MOST_AT_ONCE,
            WaitTimeSeconds=wait_s,
            VisibilityTimeout=min(int(hidden_s), _LONGEST_S),
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
    return [
        Message(
            item["MessageId"],
            item["ReceiptHandle"],
            item["Body"],
            int(item.get("Attributes", {}).get("ApproximateReceiveCount", 1)),
        )
        for item in answer.get("Messages", ())
    ]


def delete(queue_url: str, message: Message) -> None:
    """Delete a message. Raises what receive raises."""
    with _client(queue_url) as client:
        client.delete_message(QueueUrl=queue_url, ReceiptHandle=message.receipt)


def send(queue_url: str, body: str) -> None:
    """Send a message. Raises what receive raises."""
    with _client(queue_url) as client:
        client.send_message(QueueUrl=queue_url, MessageBody=body)


def keep_hidden(queue_url: str, messages: Sequence[Message], hidden_s: float) -> None:
    """Keep messages from other receivers for so long from now on. Raises what receive raises."""
    for start in range(0, len(messages), _MOST_AT_ONCE):
        entries = [
            {"Id": str(at), "ReceiptHandle": message.receipt, "VisibilityTimeout": min(int(hidden_s), _LONGEST_S)}
            for at, message in enumerate(messages[start : start + _MOST_AT_ONCE])
        ]
        with _client(queue_url) as client:
            client.change_message_visibility_batch(QueueUrl=queue_url, Entries=entries)


@contextmanager
def _client(queue_url: str) -> Iterator[Any]:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    except ImportError as error:
        raise ConfigError("an SQS queue needs boto3, which is not installed", "pip install -e '.[s3]'") from error
    try:
        yield boto3.client("sqs")
    except ClientError as error:
        reason = f"{queue_url}: SQS says {code_of(error)}"
        if is_busy(error):
            raise RetryableError(reason, "It is busy; try again later") from error
        raise FatalError(reason, "Check its URL and your rights to it") from error
    except NoCredentialsError as error:
        raise ConfigError("no AWS credentials are set for SQS", "Set AWS_PROFILE or a key") from error
    except BotoCoreError as error:
        remedy = "Check AWS_ENDPOINT_URL and the network, then try again"
        raise RetryableError(f"{queue_url} cannot be reached: {type(error).__name__}", remedy) from error
