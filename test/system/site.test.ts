// Several applications in one server, from tunicorn.toml: each with its own code, workers and fate.

import { equal, match } from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ask } from "../harness/http-client.ts";
import { runTunicorn, type Server, startServer } from "../harness/server.ts";
import { type Owner, temporaryFolder } from "../harness/temporary.ts";
import { eventually } from "../harness/wait.ts";

const SOON_MS = 15_000;

const SAYS = (text: string): string => `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"${text}"]
`;
const BROKEN = "raise RuntimeError('not today')\n";

interface Site {
  readonly folder: string;
  write(app: string, code: string): void;
  /** The first one gets every request. */
  declare(apps: Readonly<Record<string, number>>, more?: string): void;
}

function newSite(owner: Owner): Site {
  const folder = temporaryFolder(owner);
  return {
    folder,
    write: (app, code) => {
      mkdirSync(join(folder, app), { recursive: true });
      writeFileSync(join(folder, app, "main.py"), code);
    },
    declare: (apps, more = "") => {
      const names = Object.keys(apps);
      const tables = names.map((name) => {
        const chdir = JSON.stringify(join(folder, name));
        return `[apps.${name}]\napp = "main:app"\nchdir = ${chdir}\nworkers = ${apps[name]}\n`;
      });
      const rest = names
        .slice(1)
        .map((name) => `[[routes]]\nmatch = { path = "/${name}/*" }\napp = "${name}"\n`);
      const routes = [...rest, `[[routes]]\napp = "${names[0]}"\n`];
      const head = `bind = "127.0.0.1:0"\nhealth = "/-/"\ncontrol_socket = ${JSON.stringify(control(folder))}\n`;
      writeFileSync(join(folder, "tunicorn.toml"), [head, more, ...tables, ...routes].join("\n"));
    },
  };
}

function control(folder: string): string {
  return join(folder, "control.sock");
}

async function start(owner: Owner, site: Site): Promise<Server> {
  return startServer(owner, ["-c", join(site.folder, "tunicorn.toml")], { cwd: site.folder });
}

async function command(owner: Owner, site: Site, ...words: readonly string[]): Promise<string> {
  const { code, output } = await runTunicorn(owner, [...words, "--socket", control(site.folder)]);
  equal(code, 0, output);
  return output;
}

test("an application that does not start takes no other down, and serves when it can", async (t) => {
  const site = newSite(t);
  site.write("shop", SAYS("shop"));
  site.write("api", BROKEN);
  site.declare({ shop: 1, api: 1 });
  const server = await start(t, site);
  await server.logged(/the application does not start; the others serve.*app=api/);
  equal((await ask(server.endpoint)).body, "shop");
  equal((await ask(server.endpoint, { path: "/api/x" })).status, 503);
  match(await command(t, site, "status"), /^api +main:app, failing/m);
  equal((await ask(server.endpoint, { path: "/-/ready" })).status, 503);
  site.write("api", SAYS("api"));
  await server.logged(/Ready at .*app=api/);
  await eventually(
    SOON_MS,
    "ready",
    async () => (await ask(server.endpoint, { path: "/-/ready" })).status === 200,
  );
  equal((await ask(server.endpoint, { path: "/api/x" })).body, "api");
  await server.stop();
});

test("a server of which no application starts ends with 3", async (t) => {
  const site = newSite(t);
  site.write("shop", BROKEN);
  site.write("api", BROKEN);
  site.declare({ shop: 1, api: 1 });
  const { code } = await runTunicorn(t, ["-c", join(site.folder, "tunicorn.toml")]);
  equal(code, 3);
});

test("HUP takes the file as a whole: faults change nothing, else applications come, stay with new code, and go", async (t) => {
  const site = newSite(t);
  site.write("shop", SAYS("shop"));
  site.write("old", SAYS("old"));
  site.declare({ shop: 1, old: 1 });
  const server = await start(t, site);
  await server.logged(/Ready at .*app=shop/);
  await server.logged(/Ready at .*app=old/);
  site.declare({ shop: 1, new: 1 }, "keepalife = 3\n");
  server.signal("SIGHUP");
  await server.logged(/nothing has changed/);
  equal((await ask(server.endpoint)).body, "shop");
  match(await command(t, site, "status"), /^old +main:app, serving, generation 1/m);

  site.write("shop", SAYS("new shop"));
  site.write("new", SAYS("new"));
  site.declare({ shop: 2, new: 1 });
  server.signal("SIGHUP");
  await server.logged(/application removed app=old/);
  await eventually(SOON_MS, "the new applications alone", async () => {
    const { apps } = JSON.parse(await command(t, site, "status", "--json"));
    return (
      apps
        .map(
          ({ name, workers }: { name: string; workers: { serving: number } }) => `${name} ${workers.serving}`,
        )
        .join() === "shop 2,new 1"
    );
  });
  equal((await ask(server.endpoint)).body, "new shop");
  equal(await command(t, site, "scale", "new", "2"), "1 → 2 workers\n");
  await eventually(SOON_MS, "four workers", () => server.tree.workers.length === 4);
  await command(t, site, "reload", "new");
  await server.logged(/reload finished app=new generation=2/);
  match(await command(t, site, "workers"), /^app +pid/);
  await server.stop();
});

test("a server with more fronts than workers starts fewer, says so, and answers every client", async (t) => {
  const server = await startServer(t, ["--fronts", "2", "-w", "1", "-b", "127.0.0.1:0", "plain"]);
  await server.logged(/1 instead of 2 fronts: each needs a worker of each application/);
  await server.logged(/Ready at/);
  equal(server.tree.fronts.length, 1);
  for (let nr = 0; nr < 8; nr += 1) equal((await ask(server.endpoint)).status, 200);
  await server.stop();
});

test("no signal takes a front its last worker", async (t) => {
  const server = await startServer(t, ["--fronts", "2", "-w", "2", "-b", "127.0.0.1:0", "plain"]);
  await server.logged(/Ready at/);
  server.signal("SIGTTOU");
  await server.logged(/2 workers instead of 1: each front needs one/);
  equal(server.tree.fronts.length, 2);
  equal(server.tree.workers.length, 2);
  for (let nr = 0; nr < 8; nr += 1) equal((await ask(server.endpoint)).status, 200);
  await server.stop();
});
