// What `tunicorn --version` says, in gunicorn's form.

export function versionText(version: string): string {
  return `tunicorn (version ${version})\n`;
}
