// nginx as an operator would put it before gunicorn or uWSGI: defaults, with every path inside a temporary folder.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { writeCertificate } from "./certificate.ts";
import { writePublicFolder } from "./public-folder.ts";

export interface NginxOptions {
  readonly tempDir: string;
  readonly port: number;
  /** Where the application server listens, as nginx names it: `unix:/path` or `host:port`. */
  readonly to: string;
  readonly upstream: NginxUpstream;
}

/** `files`, `tls`: none; it serves a folder, or a line of text over TLS, by itself. */
export type NginxUpstream = "http" | "uwsgi" | "fastcgi" | "files" | "tls";

/** The path of the file written. */
export function writeNginxConf(options: NginxOptions): string {
  const path = join(options.tempDir, "nginx.conf");
  writeFileSync(path, nginxConf(options));
  return path;
}

function nginxConf({ tempDir, port, to, upstream }: NginxOptions): string {
  // As root nginx would change to a user who may not enter the temporary folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  const temps = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `${user}
daemon off;
worker_processes ${upstream === "files" || upstream === "tls" ? 1 : 2};
pid ${tempDir}/nginx.pid;
error_log ${tempDir}/nginx-error.log;
events { worker_connections 8192; }
http {
  access_log off;
  ${temps.map((name) => `${name}_temp_path ${tempDir}/${name};`).join("\n  ")}
  ${upstream === "fastcgi" ? `upstream app { server ${to}; keepalive 32; }` : ""}
  server {
    listen 127.0.0.1:${port}${upstream === "tls" ? " ssl" : ""} backlog=2048;
    ${locations(upstream, tempDir, to)}
  }
}
`;
}

function locations(upstream: NginxUpstream, tempDir: string, to: string): string {
  switch (upstream) {
    case "files":
      return filesLocation(tempDir);
    case "tls":
      return tlsLocation(tempDir);
    case "http":
      return `location / { ${proxyPass(to)} }`;
    case "uwsgi":
      return `location / { uwsgi_pass ${to}; ${paramLines("uwsgi")} }`;
    case "fastcgi":
      return `location / { fastcgi_keep_conn on; fastcgi_pass app; ${paramLines("fastcgi")} }`;
  }
}

function tlsLocation(tempDir: string): string {
  const { certificate, key } = writeCertificate(tempDir);
  return `ssl_certificate ${certificate};
    ssl_certificate_key ${key};
    ssl_protocols TLSv1.2 TLSv1.3;
    location / { return 200 "Hello, world!\\n"; }`;
}

/** nginx ends a connection after 1,000 requests unless told otherwise; nobody else does. */
function filesLocation(tempDir: string): string {
  return `keepalive_requests 1000000000;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=1000;
    location /static/ { alias ${writePublicFolder(tempDir)}/; }`;
}

function proxyPass(to: string): string {
  return `proxy_pass http://${to}:;
      proxy_set_header Host $host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;`;
}

function paramLines(protocol: "uwsgi" | "fastcgi"): string {
  return PARAMS.map(([name, value]) => `${protocol}_param ${name} ${value};`).join("\n      ");
}

const PARAMS = [
  ["QUERY_STRING", "$query_string"],
  ["REQUEST_METHOD", "$request_method"],
  ["CONTENT_TYPE", "$content_type"],
  ["CONTENT_LENGTH", "$content_length"],
  ["REQUEST_URI", "$request_uri"],
  ["PATH_INFO", "$document_uri"],
  ["SERVER_PROTOCOL", "$server_protocol"],
  ["REQUEST_SCHEME", "$scheme"],
  ["REMOTE_ADDR", "$remote_addr"],
  ["REMOTE_PORT", "$remote_port"],
  ["SERVER_PORT", "$server_port"],
  ["SERVER_NAME", "$server_name"],
] as const;
