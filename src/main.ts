// argv → role → compose → run. The internal role `front` is what the arbiter starts; all else is the command line.
// Each role loads its own rooms only: these processes live long, and their memory is the user's.

const argv = process.argv.slice(2);

if (argv[0] === "--role=front") (await import("./compose/front.ts")).runFront();
else process.exitCode = await runCommandLine();

async function runCommandLine(): Promise<number> {
  const { interpretCommandLine } = await import("./cli/interpret.ts");
  const { cliHost } = await import("./compose/cli-host.ts");
  const intent = interpretCommandLine(argv, process.env, process.cwd(), cliHost);
  switch (intent.type) {
    case "print":
      process.stdout.write(intent.text);
      return intent.exitCode;
    case "fail":
      process.stderr.write(intent.text);
      return intent.exitCode;
    case "run": {
      process.stdout.write(intent.text);
      const { runArbiter } = await import("./compose/arbiter.ts");
      const { config, mode: purpose, warnings, notes } = intent;
      return runArbiter({ config, purpose, warnings, notes });
    }
  }
}
