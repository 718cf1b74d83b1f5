"""A WebSocket client of RFC 6455 in the standard library: text frames, masked as clients have to, over plain TCP."""

import base64
import hashlib
import os
import socket
import struct
from urllib.parse import urlsplit

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA


class WebSocketClosed(Exception):
    """The other side has closed the connection; `code` says why."""

    def __init__(self, code):
        super().__init__(f"closed with code {code}")
        self.code = code


class WebSocket:
    """`send` and `receive` texts. Not for several threads at once."""

    def __init__(self, url, headers=(), timeout=30):
        parts = urlsplit(url)
        self._socket = socket.create_connection((parts.hostname, parts.port or 80), timeout)
        self._file = self._socket.makefile("rb")
        self._handshake(parts, headers)

    def _handshake(self, parts, headers):
        key = base64.b64encode(os.urandom(16)).decode()
        lines = [
            f"GET {parts.path or '/'} HTTP/1.1",
            f"Host: {parts.netloc}",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Key: {key}",
            "Sec-WebSocket-Version: 13",
            *(f"{name}: {value}" for name, value in headers),
        ]
        self._socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode("ascii"))
        status = self._file.readline().decode("latin-1").split(" ", 2)
        answer = {}
        while (line := self._file.readline().strip()) != b"":
            name, _, value = line.decode("latin-1").partition(":")
            answer[name.lower()] = value.strip()
        if status[1:2] != ["101"]:
            raise ConnectionError(f"the service answered {' '.join(status[1:]).strip()}")
        expected = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        if answer.get("sec-websocket-accept") != expected:
            raise ConnectionError("this is no WebSocket")

    def send(self, text):
        """Sends one text."""
        self._send(TEXT, text.encode())

    def receive(self):
        """The next text; answers pings meanwhile. Raises WebSocketClosed."""
        parts = []
        while True:
            final, opcode, payload = self._frame()
            if opcode == PING:
                self._send(PONG, payload)
            elif opcode == CLOSE:
                code = struct.unpack(">H", payload[:2])[0] if len(payload) >= 2 else 1005
                self._send(CLOSE, payload[:2])
                raise WebSocketClosed(code)
            elif opcode != PONG:
                parts.append(payload)
                if final:
                    return b"".join(parts).decode()

    def close(self):
        """Says goodbye, without waiting for the answer."""
        self._send(CLOSE, struct.pack(">H", 1000))
        self._socket.close()

    def _send(self, opcode, payload):
        size = len(payload)
        if size < 126:
            head = struct.pack(">BB", 0x80 | opcode, 0x80 | size)
        elif size < 65536:
            head = struct.pack(">BBH", 0x80 | opcode, 0x80 | 126, size)
        else:
            head = struct.pack(">BBQ", 0x80 | opcode, 0x80 | 127, size)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        self._socket.sendall(head + mask + masked)

    def _frame(self):
        first, second = self._read(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack(">H", self._read(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", self._read(8))
        return first & 0x80 != 0, first & 0x0F, self._read(size)

    def _read(self, size):
        data = self._file.read(size)
        if len(data) < size:
            raise WebSocketClosed(1006)
        return data
