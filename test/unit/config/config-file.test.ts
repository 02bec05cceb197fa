import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { findConfigFile } from "../../../src/config/config-file.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { plainValues } from "../../../src/config/plain-values.ts";
import { describeProblem } from "../../../src/config/problem.ts";
import { type EvaluatedFile, layerOfPython, problemsWith } from "../../../src/config/python-file.ts";
import { SETTINGS } from "../../../src/config/settings.ts";
import { layerOfToml } from "../../../src/config/toml-file.ts";
import { load } from "./support.ts";

const NOTHING: EvaluatedFile = {
  values: {},
  opaque: {},
  functions: [],
  hooks: [],
  problems: [],
  failure: null,
};

describe("which configuration file is read", () => {
  const there =
    (...names: readonly string[]) =>
    (path: string): boolean =>
      names.includes(path);

  it("is none when none is named and none is there", () => {
    assert.equal(findConfigFile("", "/srv", there()).file, undefined);
  });

  it("is gunicorn.conf.py where that is there, and tunicorn.toml before it", () => {
    const python = findConfigFile("", "/srv", there("/srv/gunicorn.conf.py"));
    assert.equal(python.file?.name, "/srv/gunicorn.conf.py");
    const both = findConfigFile("", "/srv", there("/srv/gunicorn.conf.py", "/srv/tunicorn.toml"));
    assert.equal(both.file?.language, "toml");
    assert.match(both.warnings[0] ?? "", /gunicorn\.conf\.py is not read/);
  });

  for (const [named, language, name] of [
    ["conf/prod.py", "python", "/srv/conf/prod.py"],
    ["file:/etc/app.py", "python", "/etc/app.py"],
    ["python:proj.settings.gunicorn", "python", "proj.settings.gunicorn"],
    ["without-extension", "python", "/srv/without-extension"],
    ["prod.toml", "toml", "/srv/prod.toml"],
  ] as const) {
    it(`takes -c ${named}`, () => {
      const { file } = findConfigFile(named, "/srv", there());
      assert.equal(file?.language, language);
      assert.equal(file?.name, name);
    });
  }
});

/** gunicorn 27's settings, without those of the command line alone (config, check_config, print_config). */
const GUNICORN_NAMES =
  "wsgi_app bind backlog workers worker_class threads worker_connections max_requests max_requests_jitter timeout graceful_timeout keepalive asgi_loop asgi_lifespan asgi_disconnect_grace_period websocket_max_message_size http_parser limit_request_line limit_request_fields limit_request_field_size reload reload_engine reload_extra_files spew preload_app sendfile reuse_port chdir daemon raw_env pidfile worker_tmp_dir user group umask initgroups tmp_upload_dir secure_scheme_headers forwarded_allow_ips pythonpath paste proxy_protocol proxy_allow_ips protocol uwsgi_allow_ips raw_paste_global_conf permit_obsolete_folding strip_header_spaces permit_unconventional_http_method permit_unconventional_http_version casefold_http_method forwarder_headers header_map root_path accesslog disable_redirect_access_to_syslog access_log_format errorlog loglevel capture_output logger_class logconfig logconfig_dict logconfig_json syslog_addr syslog syslog_prefix syslog_facility enable_stdio_inheritance statsd_host dogstatsd_tags statsd_prefix enable_backlog_metric proc_name default_proc_name keyfile certfile ssl_version cert_reqs ca_certs suppress_ragged_eofs do_handshake_on_connect ciphers http_protocols http2_cleartext http2_max_concurrent_streams http2_initial_window_size http2_max_frame_size http2_max_header_list_size dirty_apps dirty_workers dirty_timeout dirty_threads dirty_graceful_timeout control_socket control_socket_mode control_socket_disable".split(
    " ",
  );

describe("names in a gunicorn.conf.py", () => {
  it("include all of gunicorn's", () => {
    assert.equal(GUNICORN_NAMES.length, 97);
    const values = Object.fromEntries(GUNICORN_NAMES.map((name) => [name, null]));
    const { problems, warnings, notes } = layerOfPython("gunicorn.conf.py", { ...NOTHING, values });
    assert.deepEqual([problems, warnings, notes], [[], [], []]);
    assert.deepEqual(
      GUNICORN_NAMES.filter((name) => !Object.hasOwn(SETTINGS, name)),
      [],
    );
  });

  it("may be the hook ssl_context where no TLS is spoken", () => {
    const file = { ...NOTHING, problems: [{ name: "ssl_context", reason: "TLS is spoken by the server" }] };
    const layer = layerOfPython("c.py", file);
    assert.deepEqual(problemsWith(layer, load("a")), []);
    const [problem] = problemsWith(layer, load("a --certfile c.pem"));
    assert.equal(problem?.where, "c.py: ssl_context");
  });

  it("that nearly name a setting or a hook are warned of", () => {
    const { problems, warnings } = layerOfPython("gunicorn.conf.py", {
      ...NOTHING,
      values: { workerz: 4 },
      functions: ["post_forc", "number_of_cores"],
    });
    assert.deepEqual(problems, []);
    assert.deepEqual(warnings, [
      "gunicorn.conf.py: workerz is no setting; did you mean workers?",
      "gunicorn.conf.py: post_forc is no hook; did you mean post_fork?",
    ]);
  });

  it("may be variables of the file, host and port among them", () => {
    const values = { host: "0.0.0.0", port: "80", bind: "0.0.0.0:80", log_data_x: {} };
    const { layer, warnings, notes } = layerOfPython("c.py", { ...NOTHING, values });
    assert.deepEqual([...layer.keys()], ["bind"]);
    assert.deepEqual(warnings, []);
    assert.match(notes[0] ?? "", /log_data_x/);
  });

  it("with values that are no settings' are problems", () => {
    const { problems } = layerOfPython("c.py", { ...NOTHING, opaque: { workers: "<object>", other: "<x>" } });
    assert.equal(problems.length, 1);
    assert.match(describeProblem(problems[0] ?? assert.fail()), /^c\.py: workers "<object>": expected/);
  });

  it("cannot name what must be known before the file is run", () => {
    const { problems } = layerOfPython("c.py", { ...NOTHING, values: { python: "/usr/bin/python" } });
    assert.match(problems[0]?.reason ?? "", /--python/);
  });

  it("take gunicorn's texts with commas, and numbers as bits", () => {
    const values = { bind: "127.0.0.1:1,unix:/x", raw_env: "A=1,B=2", umask: 0o27, workers: 2 };
    const { layer } = layerOfPython("c.py", { ...NOTHING, values });
    const countWorkers = (): { workers: number; arithmetic: string } => ({ workers: 1, arithmetic: "" });
    const loaded = loadConfig({ argv: ["a"], env: {}, cwd: "/srv", files: [layer], countWorkers });
    assert.ok(loaded.ok);
    assert.equal(loaded.config.bind.length, 2);
    assert.equal(loaded.config.umask, 0o27);
    assert.deepEqual(loaded.config.env, [
      ["A", "1"],
      ["B", "2"],
    ]);
    const cfg = plainValues(loaded.values, loaded.config);
    assert.deepEqual(cfg["bind"], ["127.0.0.1:1", "unix:/x"]);
    assert.deepEqual(cfg["raw_env"], ["A=1", "B=2"]);
    assert.equal(cfg["graceful_timeout"], 30);
    assert.equal(cfg["accesslog"], null);
  });

  it("are shown to hooks as they are written, whatever became of them", () => {
    const values = {
      metrics: ["127.0.0.1:9100"],
      limit_rate: "10/s",
      error_page: "404=gone.html",
      secure_scheme_headers: { "X-PROTO": "https" },
    };
    const { layer } = layerOfPython("c.py", { ...NOTHING, values });
    const countWorkers = (): { workers: number; arithmetic: string } => ({ workers: 1, arithmetic: "" });
    const loaded = loadConfig({ argv: ["a"], env: {}, cwd: "/srv", files: [layer], countWorkers });
    assert.ok(loaded.ok);
    const cfg = plainValues(loaded.values, loaded.config);
    assert.deepEqual(cfg["metrics"], ["127.0.0.1:9100"]);
    assert.equal(cfg["limit_rate"], "10/s,burst=10");
    assert.deepEqual(cfg["error_page"], ["404=gone.html"]);
    assert.equal(cfg["statsd_host"], null);
    assert.deepEqual(cfg["secure_scheme_headers"], values.secure_scheme_headers);
  });
});

describe("tunicorn.toml", () => {
  it("has gunicorn's names, tables and octal numbers", () => {
    const text = `
workers = 3
bind = ["127.0.0.1:0"]
umask = 0o27
preload_app = true
[secure_scheme_headers]
X-PROTO = "https"
`;
    const { layer, problems } = layerOfToml("tunicorn.toml", text);
    assert.deepEqual(problems, []);
    assert.equal(layer.get("workers")?.given, 3);
    assert.equal(layer.get("umask")?.given, 0o27);
    assert.equal(layer.get("workers")?.origin, "tunicorn.toml:2:1: workers");
    assert.equal(JSON.stringify(layer.get("secure_scheme_headers")?.given), `{"X-PROTO":"https"}`);
  });

  it("tells all unknown names with their lines", () => {
    const { problems } = layerOfToml("t.toml", "workerz = 1\n\n\n[[lissteners]]\n");
    assert.deepEqual(problems.map(describeProblem), [
      "t.toml:1:1: workerz: no such setting; did you mean workers?",
      "t.toml:4:3: lissteners: no such setting; did you mean listeners?",
    ]);
  });

  it("tells where its syntax is broken", () => {
    const { problems } = layerOfToml("t.toml", "workers = 1\nbind = \n");
    assert.equal(problems.length, 1);
    assert.match(describeProblem(problems[0] ?? assert.fail()), /^t\.toml:2:\d+: /);
  });

  it("takes no dates", () => {
    const { problems } = layerOfToml("t.toml", "proc_name = 2026-11-21\n");
    assert.match(problems[0]?.reason ?? "", /not a date/);
  });
});
