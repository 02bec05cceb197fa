// Settings: files that the server itself sends.

import { MOUNTS, type Mount } from "../mount.ts";
import { type SettingsOf, SUPPORTED } from "../setting.ts";
import { choice, repeated, text } from "../value-type.ts";

export interface FilesValues {
  readonly static: readonly Mount[];
  readonly static_internal: readonly Mount[];
  readonly static_django: "off" | "static" | "all";
  readonly sendfile_root: readonly string[];
}

export const FILES_SETTINGS: SettingsOf<FilesValues> = {
  static: {
    section: "Static files",
    flags: ["--static"],
    type: MOUNTS,
    byDefault: [],
    doc: "Serve the files of DIR below /PATH, without a worker. Options behind commas: index=NAME fallback=FILE max-age=SECONDS symlinks=inside|deny|follow optional=, precompressed=, dotfiles=, immutable=true|false. What is not in a folder at / goes on to the application. May be repeated.",
    status: SUPPORTED,
  },
  static_django: {
    section: "Static files",
    flags: ["--static-django"],
    bare: "static",
    type: choice(["off", "static", "all"]),
    byDefault: "off",
    doc: "Serve Django's STATIC_ROOT below STATIC_URL (what collectstatic gathers), as the application's settings have them; `all` also MEDIA_ROOT below MEDIA_URL.",
    status: SUPPORTED,
  },
  sendfile_root: {
    section: "Static files",
    flags: ["--sendfile-root"],
    type: repeated(text("DIR")),
    byDefault: [],
    doc: "The application may have files below DIR sent by naming them in X-Sendfile. May be repeated.",
    status: SUPPORTED,
  },
  static_internal: {
    section: "Static files",
    flags: ["--static-internal"],
    type: MOUNTS,
    byDefault: [],
    doc: "As --static, but no client gets there: only the application's X-Accel-Redirect leads to /PATH. May be repeated.",
    status: SUPPORTED,
  },
};
