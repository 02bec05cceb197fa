// A Python program that hands over a socket.

/** Becomes its arguments with a listening socket as descriptor 3, as systemd does where the first of them says so. */
export const WITH_SOCKET: string = `
import os, socket, sys
listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(64)
if listener.fileno() != 3: os.dup2(listener.fileno(), 3)
os.set_inheritable(3, True)
print("given port", listener.getsockname()[1], flush=True)
if sys.argv[1] == "systemd": os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1")
os.execv(sys.argv[2], sys.argv[2:])
`;
