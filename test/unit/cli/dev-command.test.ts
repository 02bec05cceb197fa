import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { completeDevCommand } from "../../../src/cli/dev-command.ts";
import { ACCESS_FORMAT_DEVELOPMENT } from "../../../src/config/settings/logging.ts";
import { configFrom } from "../config/support.ts";

function complete(
  argv: readonly string[],
  files: readonly string[] = [],
  text = "",
): readonly string[] | string {
  const reading = completeDevCommand(argv, {
    isFile: (path) => files.includes(path),
    readFile: () => text,
  });
  return reading.ok ? reading.argv : reading.problem;
}

describe("tunicorn dev", () => {
  it("is one worker that reloads, with a line for each request", () => {
    const config = configFrom("dev main:app", { WEB_CONCURRENCY: "4" });
    assert.equal(config.app, "main:app");
    assert.equal(config.workers, 1);
    assert.ok(config.reload.isOn);
    assert.equal(config.accessLog, "-");
    assert.equal(config.accessLogFormat, ACCESS_FORMAT_DEVELOPMENT);
  });

  it("is weaker than whatever is said", () => {
    const config = configFrom("dev -w 3 --access-logfile access.log main:app");
    assert.equal(config.workers, 3);
    assert.equal(config.accessLog, "/srv/access.log");
    assert.equal(configFrom("dev a", { UVICORN_WORKERS: "2" }).workers, 2);
  });

  it("leaves an application of its name alone", () => {
    assert.equal(configFrom("dev:app").app, "dev:app");
    assert.equal(configFrom("dev:app").reload.isOn, false);
    assert.equal(configFrom("-w 1 dev").app, "dev");
    assert.equal(configFrom("dev dev").app, "dev");
  });

  it("finds the application where it usually is", () => {
    assert.deepEqual(complete(["dev"], ["app.py", "main.py"]), ["dev", "main.py"]);
    assert.deepEqual(complete(["dev", "--port", "1"], ["app/main.py"]), [
      "dev",
      "--port",
      "1",
      "app/main.py",
    ]);
    assert.deepEqual(complete(["dev", "x:y"], ["main.py"]), ["dev", "x:y"]);
    assert.deepEqual(complete(["dev"], ["gunicorn.conf.py"]), ["dev"]);
    assert.deepEqual(complete(["serve"]), ["serve"]);
  });

  it("finds a Django project by its manage.py", () => {
    const manage = (settings: string): string =>
      `    os.environ.setdefault('DJANGO_SETTINGS_MODULE', '${settings}')\n`;
    const files = ["manage.py", "shop/wsgi.py", "app.py"];
    assert.deepEqual(complete(["dev"], files, manage("shop.settings")), ["dev", "shop.wsgi"]);
    assert.deepEqual(complete(["dev"], files, manage("shop.settings.local")), ["dev", "shop.wsgi"]);
    assert.deepEqual(complete(["dev"], files, manage("other.settings")), ["dev", "app.py"]);
    assert.deepEqual(complete(["dev"], files, "nothing"), ["dev", "app.py"]);
  });

  it("asks where it cannot know", () => {
    assert.match(String(complete(["dev"])), /tunicorn dev APP/);
    assert.match(String(complete(["dev"], ["dev.py", "main.py"])), /tunicorn dev:app/);
  });
});
