import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { FLAGS, flagsOf, SETTING_ROWS, SETTINGS } from "../../../src/config/settings.ts";

/** Every setting of gunicorn 27 that is not a hook, with its flags. */
const GUNICORN: Readonly<Record<string, string>> = {
  config: "-c --config",
  wsgi_app: "",
  bind: "-b --bind",
  backlog: "--backlog",
  workers: "-w --workers",
  worker_class: "-k --worker-class",
  threads: "--threads",
  worker_connections: "--worker-connections",
  max_requests: "--max-requests",
  max_requests_jitter: "--max-requests-jitter",
  timeout: "-t --timeout",
  graceful_timeout: "--graceful-timeout",
  keepalive: "--keep-alive",
  asgi_loop: "--asgi-loop",
  asgi_lifespan: "--asgi-lifespan",
  asgi_disconnect_grace_period: "--asgi-disconnect-grace-period",
  websocket_max_message_size: "--websocket-max-message-size",
  http_parser: "--http-parser",
  limit_request_line: "--limit-request-line",
  limit_request_fields: "--limit-request-fields",
  limit_request_field_size: "--limit-request-field_size",
  reload: "--reload",
  reload_engine: "--reload-engine",
  reload_extra_files: "--reload-extra-file",
  spew: "--spew",
  check_config: "--check-config",
  print_config: "--print-config",
  preload_app: "--preload",
  sendfile: "--no-sendfile",
  reuse_port: "--reuse-port",
  chdir: "--chdir",
  daemon: "-D --daemon",
  raw_env: "-e --env",
  pidfile: "-p --pid",
  worker_tmp_dir: "--worker-tmp-dir",
  user: "-u --user",
  group: "-g --group",
  umask: "-m --umask",
  initgroups: "--initgroups",
  tmp_upload_dir: "",
  secure_scheme_headers: "",
  forwarded_allow_ips: "--forwarded-allow-ips",
  pythonpath: "--pythonpath",
  paste: "--paste --paster",
  proxy_protocol: "--proxy-protocol",
  proxy_allow_ips: "--proxy-allow-from",
  protocol: "--protocol",
  uwsgi_allow_ips: "--uwsgi-allow-from",
  raw_paste_global_conf: "--paste-global",
  permit_obsolete_folding: "--permit-obsolete-folding",
  strip_header_spaces: "--strip-header-spaces",
  permit_unconventional_http_method: "--permit-unconventional-http-method",
  permit_unconventional_http_version: "--permit-unconventional-http-version",
  casefold_http_method: "--casefold-http-method",
  forwarder_headers: "--forwarder-headers",
  header_map: "--header-map",
  root_path: "--root-path",
  accesslog: "--access-logfile",
  disable_redirect_access_to_syslog: "--disable-redirect-access-to-syslog",
  access_log_format: "--access-logformat",
  errorlog: "--error-logfile --log-file",
  loglevel: "--log-level",
  capture_output: "--capture-output",
  logger_class: "--logger-class",
  logconfig: "--log-config",
  logconfig_dict: "",
  logconfig_json: "--log-config-json",
  syslog_addr: "--log-syslog-to",
  syslog: "--log-syslog",
  syslog_prefix: "--log-syslog-prefix",
  syslog_facility: "--log-syslog-facility",
  enable_stdio_inheritance: "-R --enable-stdio-inheritance",
  statsd_host: "--statsd-host",
  dogstatsd_tags: "--dogstatsd-tags",
  statsd_prefix: "--statsd-prefix",
  enable_backlog_metric: "--enable-backlog-metric",
  proc_name: "-n --name",
  default_proc_name: "",
  keyfile: "--keyfile",
  certfile: "--certfile",
  ssl_version: "--ssl-version",
  cert_reqs: "--cert-reqs",
  ca_certs: "--ca-certs",
  suppress_ragged_eofs: "--suppress-ragged-eofs",
  do_handshake_on_connect: "--do-handshake-on-connect",
  ciphers: "--ciphers",
  http_protocols: "--http-protocols",
  http2_cleartext: "--http2-cleartext",
  http2_max_concurrent_streams: "--http2-max-concurrent-streams",
  http2_initial_window_size: "--http2-initial-window-size",
  http2_max_frame_size: "--http2-max-frame-size",
  http2_max_header_list_size: "--http2-max-header-list-size",
  dirty_apps: "--dirty-app",
  dirty_workers: "--dirty-workers",
  dirty_timeout: "--dirty-timeout",
  dirty_threads: "--dirty-threads",
  dirty_graceful_timeout: "--dirty-graceful-timeout",
  control_socket: "--control-socket",
  control_socket_mode: "--control-socket-mode",
  control_socket_disable: "--no-control-socket",
};

/** Every flag of uvicorn 0.54 but --version and --help. */
const UVICORN =
  `--host --port --uds --fd --reload --reload-dir --reload-include --reload-exclude --reload-delay --workers --loop --http
  --http2 --ws --ws-max-size --ws-max-queue --ws-ping-interval --ws-ping-timeout --ws-per-message-deflate --lifespan --interface
  --env-file --log-config --log-level --access-log --no-access-log --use-colors --no-use-colors --proxy-headers --no-proxy-headers
  --forwarded-allow-ips --server-header --no-server-header --date-header --no-date-header --root-path --header --limit-concurrency
  --backlog --limit-max-requests --limit-max-requests-jitter --timeout-keep-alive --timeout-graceful-shutdown
  --timeout-worker-healthcheck --h11-max-incomplete-event-size --ssl-keyfile --ssl-certfile --ssl-keyfile-password --ssl-version
  --ssl-cert-reqs --ssl-ca-certs --ssl-ciphers --app-dir --factory --reset-contextvars`.split(/\s+/);

describe("settings table", () => {
  it("knows each of gunicorn's 100 settings that is not a hook, by its name and flags", () => {
    assert.equal(Object.keys(GUNICORN).length, 100);
    for (const [name, flags] of Object.entries(GUNICORN)) {
      assert.ok(Object.hasOwn(SETTINGS, name), name);
      for (const flag of flags.split(" ").filter((word) => word !== "")) {
        assert.equal(FLAGS.get(flag)?.name, name, flag);
      }
    }
  });

  it("knows each of uvicorn's flags, as uvicorn's", () => {
    for (const flag of UVICORN) assert.ok(FLAGS.get(flag)?.setting.uvicorn?.includes(flag), flag);
  });

  it("gives no flag two meanings", () => {
    const all = SETTING_ROWS.flatMap(([, setting]) => flagsOf(setting));
    assert.equal(new Set(all).size, all.length);
  });

  it("has defaults that its own types read back", () => {
    for (const [name, setting] of SETTING_ROWS) {
      const shown = setting.type.show(setting.byDefault);
      if (shown === "") continue;
      const reading = setting.type.read(setting.type.repeats ? shown.split(",") : shown);
      assert.ok(reading.ok, `${name} ${shown}`);
      assert.deepEqual(reading.value, setting.byDefault, name);
    }
  });

  it("explains every setting in a sentence", () => {
    for (const [name, setting] of SETTING_ROWS) assert.match(setting.doc, /^\w.*\.$/, name);
  });
});
