"""Python's ssl, by httpx: tls_client.py URL CA [CERTIFICATE KEY]. Several requests on one connection; prints the last answer."""

import json
import ssl
import sys

import httpx


def main(url, authority, *pair):
    context = ssl.create_default_context(cafile=authority)
    if pair:
        context.load_cert_chain(*pair)
    forged = {"SSL-Client-Verify": "SUCCESS", "Ssl_Client_S_Dn": "CN=root", "HTTPS": "off"}
    with httpx.Client(verify=context, timeout=20) as client:
        for _ in range(3):
            answer = client.get(url, headers=forged)
    print(json.dumps({"status": answer.status_code, "text": answer.text}))


main(*sys.argv[1:])
