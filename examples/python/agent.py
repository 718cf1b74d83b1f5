"""An echo bot over `sluice agent`, with nothing but Python's standard library.

    sluice agent                                             prints its address and the file with its token
    python3 examples/python/agent.py URL TOKEN-FILE          prints a contact address, and answers whoever uses it
    python3 examples/python/agent.py --self-test URL TOKEN-FILE URL TOKEN-FILE
                                                             plays both sides over two such services

Both services need a user: set SLUICE_AGENT_RELAYS when starting them.
"""

import base64
import itertools
import json
import sys
from collections import deque
from pathlib import Path

from websocket import WebSocket


class AgentError(Exception):
    """A call failed; `error` is what the service says about it."""

    def __init__(self, error):
        super().__init__(f"{error['code']}: {error['message']}")
        self.error = error


class Agent:
    """Calls and events of one service. docs/agent-service.md lists them all."""

    def __init__(self, url, token_file):
        token = Path(token_file).read_text().strip()
        self._socket = WebSocket(url, [("Authorization", f"Bearer {token}")])
        self._ids = itertools.count(1)
        self._events = deque()
        self.hello = json.loads(self._socket.receive())["hello"]
        self.call("listen")

    def call(self, name, **params):
        """Makes a call and gives its result. Events that come meanwhile are kept for `events`."""
        number = next(self._ids)
        self._socket.send(json.dumps({"id": number, "call": name, "params": params}))
        while True:
            frame = json.loads(self._socket.receive())
            if "event" in frame:
                self._events.append(frame["event"])
            elif frame["id"] == number:
                if "error" in frame:
                    raise AgentError(frame["error"])
                return frame["result"]

    def events(self):
        """Every event, one after the other, for ever."""
        while True:
            while self._events:
                yield self._events.popleft()
            frame = json.loads(self._socket.receive())
            if "event" in frame:
                yield frame["event"]

    def wait(self, kind):
        """The next event of this type; others before it are dropped."""
        return next(event for event in self.events() if event["type"] == kind)

    def close(self):
        self._socket.close()


def encode(text):
    """Bytes travel as base64url."""
    return base64.urlsafe_b64encode(text.encode()).decode()


def decode(value):
    return base64.urlsafe_b64decode(value).decode()


def answer(agent, event):
    """What the bot does about one event."""
    kind = event["type"]
    if kind == "request":
        agent.call("acceptRequest", invitationId=event["invitationId"], info=encode("echo"))
    elif kind == "message":
        connection = event["connectionId"]
        agent.call("sendMessage", connectionId=connection, body=encode(f"you said: {decode(event['body'])}"))
        # Only now: if this program ends in between, it is told the message again.
        agent.call("acknowledge", connectionId=connection, messageId=event["meta"]["messageId"], receipt=True)
    elif kind == "receipt":
        agent.call("acknowledge", connectionId=event["connectionId"], messageId=event["meta"]["messageId"])


def address(agent):
    user = agent.call("users")["userIds"][0]
    return agent.call("createConnection", userId=user, kind="contact")["link"]


def ask(agent, bot, link, text):
    """Uses the bot's address, says something, reads the answer. One thread plays both sides, each in its turn."""
    user = agent.call("users")["userIds"][0]
    agent.call("joinConnection", userId=user, link=link, info=encode("somebody"))
    answer(bot, bot.wait("request"))
    asked = agent.wait("confirmation")
    connection = asked["connectionId"]
    agent.call("allowConnection", connectionId=connection, confirmationId=asked["confirmationId"], info=encode("somebody"))
    agent.wait("connected")
    agent.call("sendMessage", connectionId=connection, body=encode(text))
    answer(bot, bot.wait("message"))
    message = agent.wait("message")
    agent.call("acknowledge", connectionId=connection, messageId=message["meta"]["messageId"])
    return decode(message["body"])


def main(arguments):
    if len(arguments) == 2:
        bot = Agent(*arguments)
        print(address(bot), flush=True)
        for event in bot.events():
            answer(bot, event)
    elif len(arguments) == 5 and arguments[0] == "--self-test":
        bot, somebody = Agent(*arguments[1:3]), Agent(*arguments[3:5])
        said = ask(somebody, bot, address(bot), "Is anybody there? 🐍")
        if said != "you said: Is anybody there? 🐍":
            raise SystemExit(f"wrong answer: {said}")
        print(f"“{said}”\nself-test: ok")
        bot.close()
        somebody.close()
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
