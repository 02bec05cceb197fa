// Local wall-clock time as the two logs write it. Each second is formatted once.

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Answers the text of a moment, remembering the last second. `write` sees whole seconds. */
export function perSecond(write: (date: Date) => string): (unixMs: number) => string {
  let knownSecond = Number.NaN;
  let text = "";
  return (unixMs) => {
    const second = Math.floor(unixMs / 1000);
    if (second === knownSecond) return text;
    knownSecond = second;
    text = write(new Date(second * 1000));
    return text;
  };
}

/** `[21/Nov/2026:08:06:00 +0000]`: %(t)s of the access log. */
export function accessTime(date: Date): string {
  const day = `${two(date.getDate())}/${MONTHS[date.getMonth()]}/${date.getFullYear()}`;
  return `[${day}:${timeOfDay(date)} ${zone(date)}]`;
}

/** `[2026-11-21 08:06:00 +0000]`: gunicorn's error log. */
export function errorTime(date: Date): string {
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `[${day} ${timeOfDay(date)} ${zone(date)}]`;
}

function timeOfDay(date: Date): string {
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

function zone(date: Date): string {
  const minutes = -date.getTimezoneOffset();
  const ahead = Math.abs(minutes);
  return `${minutes < 0 ? "-" : "+"}${two(Math.floor(ahead / 60))}${two(ahead % 60)}`;
}

function two(n: number): string {
  return n < 10 ? `0${n}` : String(n);
}
