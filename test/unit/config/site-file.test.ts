import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { SECURITY_HEADERS } from "../../../src/config/response-policy.ts";
import { COMPRESS_TYPES_DEFAULT } from "../../../src/config/settings/responses.ts";
import { problemsOf, siteOf } from "./site-support.ts";

const TWO_APPS = `
workers = 2
env = { STAGE = "live" }

[[listeners]]
address = "127.0.0.1:8100"
name = "public"

[apps.shop]
app = "shop.wsgi:application"
chdir = "shop"
python = "shop/.venv/bin/python"
workers = 4
env = { DB = "shop" }

[apps.api]
app = "api:app"
threads = 3

[[routes]]
match.path = "/api/*"
app = "api"
mount = true

[[routes]]
app = "shop"
`;

describe("applications of tunicorn.toml", () => {
  it("have their own settings, and the server's where they say nothing", () => {
    const { apps, config } = siteOf(TWO_APPS);
    const [shop, api] = apps;
    assert.deepEqual([shop?.name, api?.name], ["shop", "api"]);
    assert.equal(shop?.config.app, "shop.wsgi:application");
    assert.equal(shop?.config.workers, 4);
    assert.equal(shop?.config.chdir, "/srv/shop");
    assert.equal(shop?.config.python, "/srv/shop/.venv/bin/python");
    assert.equal(api?.config.workers, 2);
    assert.equal(api?.config.threads, 3);
    assert.equal(api?.config.chdir, "/srv");
    assert.equal(api?.cfg["threads"], 3);
    assert.equal(config.procName, "shop,api");
    assert.equal(shop?.config.procName, "shop");
  });

  it("add their variables to the server's", () => {
    const [shop, api] = siteOf(TWO_APPS).apps;
    assert.deepEqual(shop?.config.env, [
      ["STAGE", "live"],
      ["DB", "shop"],
    ]);
    assert.deepEqual(api?.config.env, [["STAGE", "live"]]);
  });

  it("are stronger than flags where they speak for themselves, and follow them elsewhere", () => {
    const [shop, api] = siteOf(TWO_APPS, { argv: ["-w", "9"] }).apps;
    assert.deepEqual([shop?.config.workers, api?.config.workers], [4, 9]);
  });

  it("live in folders below the server's", () => {
    const { apps } = siteOf('chdir = "sites"\n[apps.a]\napp = "a"\nchdir = "a"\n');
    assert.equal(apps[0]?.config.chdir, "/srv/sites/a");
  });

  it("need no routes when there is one", () => {
    const { config } = siteOf('[apps.a]\napp = "a"\n');
    assert.deepEqual(
      config.routes.map(({ action }) => action),
      [{ kind: "app", app: "a", mount: "" }],
    );
  });

  it("share listeners and routes with the server", () => {
    const { config, apps } = siteOf(TWO_APPS);
    for (const app of apps) {
      assert.deepEqual(app.config.listeners, config.listeners);
      assert.deepEqual(app.config.bind, [{ kind: "tcp", host: "127.0.0.1", port: 8100 }]);
      assert.deepEqual(app.config.routes, config.routes);
    }
  });

  it("are told of when no route leads to them", () => {
    const { warnings } = siteOf(`${TWO_APPS}\n[apps.idle]\napp = "x"\n`);
    assert.deepEqual(warnings, ["t.toml:28:2: apps.idle: no route leads to it"]);
  });

  it("may be the one of the command line, which routes call app", () => {
    const site = siteOf('[[routes]]\nmatch.path = "/s/*"\nfiles = "s"\n[[routes]]\napp = "app"\n', {
      argv: ["mod:app"],
    });
    assert.deepEqual(
      site.apps.map(({ name, config }) => [name, config.app]),
      [["app", "mod:app"]],
    );
  });
});

describe("listeners of tunicorn.toml", () => {
  it("say what is spoken", () => {
    const { config } = siteOf(`
app = "a"
[[listeners]]
address = "0.0.0.0:443"
tls = { certificate = "c.pem", key = "/k.pem", certificates = [{ certificate = "both.pem" }] }
[[listeners]]
address = ":80"
redirect_to_tls = true
[[listeners]]
address = "unix:run/u.sock"
protocol = "uwsgi"
proxy_protocol = true
`);
    const [https, http, uwsgi] = config.listeners;
    assert.deepEqual(https?.versions, ["h2", "h1"]);
    assert.deepEqual(https?.tls?.certificates, [
      { certificate: "/srv/c.pem", key: "/k.pem", password: "" },
      { certificate: "/srv/both.pem", key: "/srv/both.pem", password: "" },
    ]);
    assert.equal(https?.tls?.handshakeTimeoutMs, 10_000);
    assert.deepEqual([http?.redirectToTlsPort, http?.versions], [443, ["h1"]]);
    assert.deepEqual(uwsgi?.address, { kind: "unix", path: "/srv/run/u.sock" });
    assert.deepEqual([uwsgi?.protocol, uwsgi?.proxyProtocol], ["uwsgi", "auto"]);
  });

  it("give way to --bind, with a word about it", () => {
    const { config, warnings } = siteOf(TWO_APPS, { argv: ["-b", ":9000"] });
    assert.deepEqual(config.bind, [{ kind: "tcp", host: "0.0.0.0", port: 9000 }]);
    assert.deepEqual(warnings, ["t.toml:5:3: listeners: not opened, because -b says where to listen"]);
  });
});

describe("routes of tunicorn.toml", () => {
  const routesOf = (text: string): ReturnType<typeof siteOf>["config"]["routes"] =>
    siteOf(`app = "a"\n${text}`).config.routes;

  it("match by all that is said", () => {
    const [route] = routesOf(`
[[routes]]
name = "orders"
match = { host = ["Shop.Example.org", "*.example.net."], path = ["/a b/é", "/x/*"], method = "post", header = { X-V = "2" } }
app = "app"
`);
    assert.equal(route?.name, "orders");
    assert.deepEqual(route?.match, {
      hosts: ["shop.example.org", "*.example.net"],
      paths: [
        { kind: "exact", path: "/a b/\u00c3\u00a9" },
        { kind: "prefix", path: "/x" },
      ],
      methods: ["POST"],
      fields: [{ name: "x-v", value: "2" }],
      listeners: [],
      isInternal: false,
    });
  });

  it("take a folder in short and at length", () => {
    const [short, long, file] = routesOf(`
[[routes]]
match.path = "/static/*"
files = "public"
[[routes]]
match.path = "/media/*"
files = { root = "/m", strip = false, index = [], max_age = "90d", optional = true }
[[routes]]
match.path = "/robots.txt"
files = "public"
`);
    assert.deepEqual(short?.action, {
      kind: "files",
      files: {
        strip: "/static",
        root: "/srv/public",
        index: ["index.html"],
        fallback: "",
        isOptional: false,
        precompressed: true,
        symlinks: "inside",
        dotfiles: false,
        maxAgeSeconds: -1,
        immutableHashed: true,
      },
    });
    assert.ok(long?.action.kind === "files" && file?.action.kind === "files");
    const { strip, maxAgeSeconds, index, isOptional } = long.action.files;
    assert.deepEqual([strip, maxAgeSeconds, index, isOptional], ["", 7_776_000, [], true]);
    assert.equal(file.action.files.strip, "");
  });

  it("carry policies", () => {
    const [route] = routesOf(`
[[routes]]
app = "app"
max_body = "10M"
timeout = "2m"
headers = { X-A = "1", X-Frame-Options = "" }
security_headers = true
error_pages = { 404 = "404.html", 5xx = "/sorry.html" }
basic_auth = "users"
allow = ["10.0.0.0/8", "unix"]
deny = "10.0.0.1"
compress = false
rate = "100/m, burst=20"
`);
    assert.deepEqual(route?.policy, {
      bodyBytesMax: 10 * 2 ** 20,
      timeoutMs: 120_000,
      headers: [
        ["x-a", "1"],
        ["x-frame-options", ""],
      ],
      headerDefaults: SECURITY_HEADERS,
      errorPages: [
        { status: "404", file: "/srv/404.html" },
        { status: "5xx", file: "/sorry.html" },
      ],
      basicAuth: { realm: "Restricted", usersFile: "/srv/users" },
      allow: ["10.0.0.0/8", "unix"],
      deny: ["10.0.0.1"],
      compression: {
        codings: [],
        types: COMPRESS_TYPES_DEFAULT,
        bytesMin: 1024,
      },
      rate: { burst: 20, stepMs: 600 },
    });
  });

  it("have the server's compression, pages and fields where they say nothing", () => {
    const [own, plain] = routesOf(`
compress = "gzip"
error_page = ["404=server.html", "5xx=sorry.html"]
security_headers = true
[[routes]]
match.path = "/api/*"
app = "app"
compress = false
error_pages = { 404 = "api.json" }
[[routes]]
app = "app"
`);
    const pages = [
      { status: "404", file: "/srv/server.html" },
      { status: "5xx", file: "/srv/sorry.html" },
    ];
    assert.deepEqual(plain?.policy.errorPages, pages);
    assert.deepEqual(plain?.policy.compression?.codings, ["gzip"]);
    assert.deepEqual(plain?.policy.headerDefaults, SECURITY_HEADERS);
    assert.deepEqual(own?.policy.errorPages, [{ status: "404", file: "/srv/api.json" }, pages[1]]);
    assert.deepEqual(own?.policy.compression?.codings, []);
  });

  it("raise the front's own limit of bodies, and keep that of the others", () => {
    const { config } = siteOf(`
app = "a"
limit_request_body = "1M"
[[routes]]
match.path = "/upload/*"
app = "app"
max_body = "1G"
[[routes]]
app = "app"
`);
    assert.equal(config.bodyBytesMax, 2 ** 30);
    assert.deepEqual(
      config.routes.map(({ policy }) => policy.bodyBytesMax),
      [2 ** 30, 2 ** 20],
    );
  });

  it("take no body of any length where one route has no limit", () => {
    const { config } = siteOf('app = "a"\n[[routes]]\napp = "app"\nmax_body = 0\n');
    assert.equal(config.bodyBytesMax, 0);
  });
});

/** What is written → what is said of it, to the letter. */
const FAULTS: readonly (readonly [text: string, ...problems: readonly string[]])[] = [
  ['[apps.a]\nwokers = 2\napp = "a"', "t.toml:2:1: apps.a.wokers: no such setting; did you mean workers?"],
  [
    "[apps.a]\nworkers = 2",
    't.toml:1:2: apps.a: an application needs its name in Python: app = "module:attribute"',
  ],
  [
    '[apps.a]\napp = "a"\nbind = ":80"',
    "t.toml:3:1: apps.a.bind: the server listens, for all applications: [[listeners]]",
  ],
  [
    '[apps.a]\napp = "a"\nkeepalive = 2',
    "t.toml:3:1: apps.a.keepalive: it is the server's, for all applications: put it above the first table of the file",
  ],
  [
    '[apps.a]\napp = "a"\nscript_name = "/x"',
    't.toml:3:1: apps.a.script_name: its place is a route of the application: mount = "/prefix"',
  ],
  [
    '[apps.a]\napp = "a"\nthreads = "many"',
    't.toml:3:1: apps.a.threads "many": expected a whole number, 1 to 1024',
  ],
  ["apps = 3", "t.toml:1:1: apps: each application is a table: [apps.NAME]"],
  [
    '[apps.a]\napp = "a"\n[apps.b]\napp = "b"',
    "t.toml:1:2: apps: several applications need [[routes]] that lead to them",
  ],
  [
    'app = "x"\n[apps.a]\napp = "a"',
    "t.toml:2:2: apps: t.toml:1:1: app names an application, too; give it a table here",
  ],
  [
    'app = "x"\n[[routes]]\napp = "ap"',
    't.toml:3:1: routes[0].app "ap": no such application; did you mean app?',
  ],
  [
    'app = "x"\n[[routes]]\nmount = true',
    "t.toml:2:3: routes[0]: a route needs one of app, files, redirect and respond",
  ],
  [
    'app = "x"\n[[routes]]\nfiles = "a"\nrespond = 404',
    "t.toml:2:3: routes[0]: a route does one thing, not files and respond",
  ],
  [
    'app = "x"\n[[routes]]\napp = "app"\n[[routes]]\nmatch.path = "/a"\nrespond = 200',
    "t.toml:4:3: routes[1]: no request gets here: routes[0] takes them all",
  ],
  [
    'app = "x"\n[[routes]]\nmatch = { host = "*.x.org", path = "/a/*" }\napp = "app"\n[[routes]]\nmatch = { host = "y.x.org", path = ["/a", "/a/b/*"], method = "GET" }\nrespond = 200',
    "t.toml:5:3: routes[1]: no request gets here: routes[0] takes them all",
  ],
  [
    'app = "x"\n[[routes]]\nmatch.pth = "/a"\napp = "app"',
    "t.toml:3:1: routes[0].match.pth: no such key; did you mean path?",
  ],
  [
    'app = "x"\n[[routes]]\nmatch.path = "a"\napp = "app"',
    't.toml:3:1: routes[0].match.path "a": expected a path that begins with /',
  ],
  [
    'app = "x"\n[[routes]]\nmatch.path = ["/ok", "/a*b"]\napp = "app"',
    't.toml:3:22: routes[0].match.path[1] "/a*b": * can only stand at the end, behind a slash: /static/* is /static and all below it',
  ],
  [
    'app = "x"\n[[routes]]\nmatch.path = "/a//b"\napp = "app"',
    't.toml:3:1: routes[0].match.path "/a//b": slashes must not be repeated',
  ],
  [
    'app = "x"\n[[routes]]\nmatch.path = "/a%2fb"\napp = "app"',
    't.toml:3:1: routes[0].match.path "/a%2fb": a slash cannot be escaped here',
  ],
  [
    'app = "x"\n[[routes]]\nmatch.host = "x.org:80"\napp = "app"',
    't.toml:3:1: routes[0].match.host "x.org:80": a host stands without its port here; match.listener tells listeners apart',
  ],
  [
    'app = "x"\n[[listeners]]\naddress = ":1"\nname = "public"\n[[routes]]\nmatch.listener = "pubic"\napp = "app"',
    't.toml:6:1: routes[0].match.listener: "pubic": no such listener; did you mean public?',
  ],
  [
    'app = "x"\n[[routes]]\nredirect = "https://$path"',
    't.toml:3:1: routes[0].redirect "https://$path": expected https://HOST and then a path, or a path: https://example.org$uri, /new, $path',
  ],
  [
    'app = "x"\n[[routes]]\nredirect = "$uris"',
    't.toml:3:1: routes[0].redirect "$uris": $uris is no variable; there are $scheme, $host, $path, $query and $uri',
  ],
  [
    'app = "x"\n[[routes]]\nredirect = { to = "/x", status = 200 }',
    't.toml:3:25: routes[0].redirect.status "200": expected 301, 302, 303, 307 or 308',
  ],
  [
    'app = "x"\n[[routes]]\nmatch.path = ["/a/*", "/b/*"]\napp = "app"\nmount = true',
    "t.toml:5:1: routes[0].mount: the prefix is only clear where match.path is one path with /* at its end; name it",
  ],
  [
    'app = "x"\n[[routes]]\nmatch.path = "/a/*"\napp = "app"\nmount = "/b"',
    "t.toml:5:1: routes[0].mount: not every path that the route takes lies below /b",
  ],
  [
    'app = "x"\n[[routes]]\nmatch.path = "/a/*"\nfiles = "x"\nmount = true',
    "t.toml:5:1: routes[0].mount: only an app can be mounted",
  ],
  [
    'app = "x"\n[[routes]]\napp = "app"\nallow = ["10.0.0.0/33", "example.org"]',
    't.toml:4:10: routes[0].allow[0] "10.0.0.0/33": expected an IP address, a network such as 10.0.0.0/8, private, unix or *',
    't.toml:4:25: routes[0].allow[1] "example.org": expected an IP address, a network such as 10.0.0.0/8, private, unix or *',
  ],
  [
    'app = "x"\n[[routes]]\napp = "app"\nerror_pages = { 200 = "x" }',
    "t.toml:4:17: routes[0].error_pages.200: expected a status such as 404, or 4xx or 5xx",
  ],
  [
    'app = "x"\n[[routes]]\napp = "app"\nheaders = { X-A = "a\\nb" }',
    't.toml:4:13: routes[0].headers.X-A "a\\nb": expected the text of a header field, in one line of latin-1',
  ],
  [
    'app = "x"\n[listeners.a]\naddress = ":1"',
    't.toml:2:2: listeners: each listener begins with [[listeners]]; its name is a key: name = "public"',
  ],
  [
    'app = "x"\n[[listeners]]\nname = "a"',
    't.toml:2:3: listeners[0]: a listener needs an address: address = "0.0.0.0:8000"',
  ],
  [
    'app = "x"\n[[listeners]]\naddress = ":80"\n[[listeners]]\naddress = "0.0.0.0:80"',
    't.toml:5:1: listeners[1].address "0.0.0.0:80": listeners[0] has the same address',
  ],
  [
    'app = "x"\n[[listeners]]\naddress = ":80"\ntls = {}',
    "t.toml:4:1: listeners[0].tls: tls needs a certificate: certificate = FILE, key = FILE",
  ],
  [
    'app = "x"\n[[listeners]]\naddress = ":80"\nprotocol = "scgi"\nhttp = "h2"',
    "t.toml:5:1: listeners[0].http: scgi has no http; that is HTTP's",
  ],
  [
    'app = "x"\nbind = ":1"\n[[listeners]]\naddress = ":80"',
    "t.toml:3:3: listeners: t.toml:2:1: bind says where to listen, too; keep one of them",
  ],
];

describe("a faulty tunicorn.toml is told", () => {
  for (const [text, ...problems] of FAULTS) {
    it(`of ${problems[0]}`, () => assert.deepEqual(problemsOf(text), problems));
  }

  it("of everything at once, in one go", () => {
    const text = 'workerz = 1\n[apps.a]\napp = "a"\nthreads = 0\n[[routes]]\napp = "b"\nmax_body = "x"\n';
    assert.equal(problemsOf(text).length, 4);
  });

  it("of what is not there", () => {
    const kindOf = (path: string): "file" | undefined => (path === "/srv/file" ? "file" : undefined);
    const text =
      'app = "x"\n[[routes]]\nmatch.path = "/s/*"\nfiles = "file"\n[[routes]]\napp = "app"\nbasic_auth = "users"\nerror_pages.404 = "file"\n';
    assert.deepEqual(problemsOf(text, { kindOf }), [
      't.toml:4:1: routes[0].files "file": expected a folder; /srv/file is a file',
      't.toml:7:1: routes[1].basic_auth "users": no such file (/srv/users)',
    ]);
  });
});
