"""devtools.py - drives a Chromium through its DevTools: what pages.sh needs of the protocol, and no more.

    devtools.py CHROMIUM FOLDER SCRIPT ARGUMENTS...     runs SCRIPT with `browser` and `arguments`; FOLDER is for the browser's files
"""
import base64
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request


class Browser:
    def __init__(self, program, folder):
        self.log = open(os.path.join(folder, "chromium.log"), "wb")
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-extensions", "--disable-background-networking", "--disable-component-update", "--mute-audio",
             "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", "--remote-debugging-port=0",
             "--user-data-dir=" + os.path.join(folder, "profile"), "about:blank"],
            stdout=self.log, stderr=self.log, start_new_session=True)
        port = os.path.join(folder, "profile", "DevToolsActivePort")
        until = time.time() + 60
        while not (os.path.exists(port) and "\n" in open(port).read()):
            if self.process.poll() is not None or time.time() > until:
                raise RuntimeError("the browser does not start")
            time.sleep(0.05)
        self.port = int(open(port).read().split()[0])
        tabs = json.load(urllib.request.urlopen("http://127.0.0.1:%d/json/list" % self.port, timeout=60))
        path = next(t["webSocketDebuggerUrl"] for t in tabs if t["type"] == "page").split(str(self.port), 1)[1]
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=120)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(("GET %s HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             "Sec-WebSocket-Key: %s\r\nSec-WebSocket-Version: 13\r\n\r\n" % (path, self.port, key)).encode())
        self.held = b""
        while b"\r\n\r\n" not in self.held:
            self.held += self.socket.recv(4096)
        self.held = self.held.split(b"\r\n\r\n", 1)[1]
        self.number = 0
        self.complaints = []  # what the console says of errors
        for domain in ("Page", "Runtime", "Log"):
            self.call(domain + ".enable")

    def take(self, n):
        while len(self.held) < n:
            more = self.socket.recv(65536)
            if not more:
                raise RuntimeError("the browser has gone")
            self.held += more
        out, self.held = self.held[:n], self.held[n:]
        return out

    def receive(self):
        message = b""
        while True:
            head = self.take(2)
            size = head[1] & 127
            if size == 126:
                size = int.from_bytes(self.take(2), "big")
            elif size == 127:
                size = int.from_bytes(self.take(8), "big")
            message += self.take(size)
            if head[0] & 128:
                return json.loads(message)

    def call(self, method, **parameters):
        self.number += 1
        message = json.dumps({"id": self.number, "method": method, "params": parameters}).encode()
        size = len(message)
        head = bytes([0x81]) + (bytes([0x80 | size]) if size < 126 else bytes([0xFE]) + size.to_bytes(2, "big") if size < 65536
                                else bytes([0xFF]) + size.to_bytes(8, "big"))
        self.socket.sendall(head + b"\0\0\0\0" + message)  # masked with zeros
        while True:
            reply = self.receive()
            if reply.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                entry = reply["params"].get("entry") or {"level": "error", "text": json.dumps(reply["params"])}
                if entry["level"] == "error":
                    self.complaints.append(entry["text"] + " " + entry.get("url", ""))
            if reply.get("id") == self.number:
                if "error" in reply:
                    raise RuntimeError("%s: %s" % (method, reply["error"]["message"]))
                return reply["result"]

    def run(self, expression):
        """The value of an expression of JavaScript, awaited."""
        reply = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in reply:
            raise RuntimeError("%s: %s" % (expression, reply["exceptionDetails"]))
        return reply["result"].get("value")

    def wait(self, expression, seconds=60):
        until = time.time() + seconds
        while time.time() < until:
            value = self.run("(() => { try { return !!(%s); } catch { return false; } })()" % expression)
            if value:
                return value
            time.sleep(0.05)
        raise RuntimeError("this does not come: %s\n%s" % (expression, self.run("document.body.innerText")))

    def open(self, url):
        self.call("Page.navigate", url=url)
        self.wait("document.readyState === 'complete' && document.body.dataset.done === 'yes'")

    def look(self, width, scheme):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self, file):
        whole = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        with open(file, "wb") as f:
            f.write(base64.b64decode(whole["data"]))

    def key(self, name, code, text=""):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, windowsVirtualKeyCode=code, **({"text": text} if kind == "keyDown" and text else {}))

    def type(self, s):
        self.call("Input.insertText", text=s)

    def close(self):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


if __name__ == "__main__":
    browser = Browser(sys.argv[1], sys.argv[2])
    try:
        exec(compile(open(sys.argv[3]).read(), sys.argv[3], "exec"), {"browser": browser, "arguments": sys.argv[4:]})
    finally:
        browser.close()
