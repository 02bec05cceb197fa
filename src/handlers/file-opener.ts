// Opens a file that an app named, and makes sure that it is the very file that the worker had open: a path may mean another
// file to another process, or a moment later.

import { fstat, open } from "node:fs";
import { closeFile } from "../base/file-pieces.ts";
import type { AnswerFile } from "../link/stream-sink.ts";
import { READ_FLAGS } from "./files/descriptor.ts";

/** Calls back with the descriptor, or with undefined when the file cannot be sent from here. */
export function openSameFile(file: AnswerFile, done: (fd: number | undefined) => void): void {
  open(file.path, READ_FLAGS, (openError, fd) => {
    if (openError !== null) {
      done(undefined);
      return;
    }
    fstat(fd, { bigint: true }, (statError, stat) => {
      const isSame =
        statError === null && stat.isFile() && stat.dev === file.device && stat.ino === file.inode;
      if (isSame && stat.size >= BigInt(file.offset + file.length)) {
        done(fd);
        return;
      }
      closeFile(fd);
      done(undefined);
    });
  });
}
