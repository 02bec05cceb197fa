// The one table of all settings. Whatever can be set, and by which names, stands in it and nowhere else.

import type { AnySetting, SettingsOf } from "./setting.ts";
import { ASGI_SETTINGS, type AsgiValues } from "./settings/asgi.ts";
import { TLS_SETTINGS, type TlsValues } from "./settings/edge.ts";
import { FILES_SETTINGS, type FilesValues } from "./settings/files.ts";
import { HTTP_SETTINGS, type HttpValues, PROXY_SETTINGS, type ProxyValues } from "./settings/http.ts";
import { LIMIT_SETTINGS, type LimitValues } from "./settings/limits.ts";
import {
  APPLICATION_SETTINGS,
  type ApplicationValues,
  LISTENING_SETTINGS,
  type ListeningValues,
} from "./settings/listening.ts";
import { LOGGING_SETTINGS, type LoggingValues } from "./settings/logging.ts";
import { OPERATION_SETTINGS, type OperationValues } from "./settings/operation.ts";
import {
  DEVELOPMENT_SETTINGS,
  type DevelopmentValues,
  DIRTY_SETTINGS,
  type DirtyValues,
  PROCESS_SETTINGS,
  type ProcessValues,
} from "./settings/process.ts";
import { RESPONSE_SETTINGS, type ResponseValues } from "./settings/responses.ts";
import { WORKER_SETTINGS, type WorkerValues } from "./settings/workers.ts";

/** Every setting's value. */
export type Values = ApplicationValues &
  ListeningValues &
  WorkerValues &
  LimitValues &
  HttpValues &
  ProxyValues &
  ResponseValues &
  FilesValues &
  LoggingValues &
  ProcessValues &
  OperationValues &
  DevelopmentValues &
  AsgiValues &
  TlsValues &
  DirtyValues;

export type SettingName = keyof Values;

export const SETTINGS: SettingsOf<Values> = {
  ...APPLICATION_SETTINGS,
  ...LISTENING_SETTINGS,
  ...WORKER_SETTINGS,
  ...LIMIT_SETTINGS,
  ...HTTP_SETTINGS,
  ...PROXY_SETTINGS,
  ...RESPONSE_SETTINGS,
  ...FILES_SETTINGS,
  ...LOGGING_SETTINGS,
  ...PROCESS_SETTINGS,
  ...OPERATION_SETTINGS,
  ...DEVELOPMENT_SETTINGS,
  ...ASGI_SETTINGS,
  ...TLS_SETTINGS,
  ...DIRTY_SETTINGS,
};

/** The rows in the order of the table. */
export const SETTING_ROWS: readonly (readonly [SettingName, AnySetting])[] = Object.entries(SETTINGS) as [
  SettingName,
  AnySetting,
][]; // Object.entries forgets the keys' type

/** The setting that a flag sets. */
export interface FlagMeaning {
  readonly name: SettingName;
  readonly setting: AnySetting;
}

/** Every spelling of every flag. */
export const FLAGS: ReadonlyMap<string, FlagMeaning> = new Map(
  SETTING_ROWS.flatMap(([name, setting]) => flagsOf(setting).map((flag) => [flag, { name, setting }])),
);

/** All spellings of one setting's flags, each once. */
export function flagsOf(setting: AnySetting): readonly string[] {
  return [...new Set([...setting.flags, ...(setting.uvicorn ?? []), ...Object.keys(setting.fixed ?? {})])];
}

/** True for a spelling that uvicorn has and gunicorn has not: who uses one expects uvicorn's habits. */
export function isUvicornOnly(flag: string): boolean {
  const setting = FLAGS.get(flag)?.setting;
  return setting !== undefined && !setting.flags.includes(flag) && setting.uvicorn?.includes(flag) === true;
}
