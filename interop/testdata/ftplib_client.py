"""Does one thing with Python's ftplib.

ftplib_client.py ORDER (JSON, see type fileOrder in ftp_test.go)
"""
import ftplib
import json
import os
import ssl
import sys

o = json.loads(sys.argv[1])


def client():
    if not o["TLS"]:
        return ftplib.FTP(timeout=20, encoding="utf-8")
    context = ssl.create_default_context(cafile=o["CA"])
    return ftplib.FTP_TLS(context=context, timeout=20, encoding="utf-8")


def get(ftp):
    if o["ASCII"]:
        with open(o["Local"], "w", encoding="utf-8") as f:
            ftp.retrlines("RETR " + o["Name"], lambda line: f.write(line + "\n"))
        return
    rest = os.path.getsize(o["Local"]) if o["Do"] == "get rest" else None
    with open(o["Local"], "ab" if rest else "wb") as f:
        ftp.retrbinary("RETR " + o["Name"], f.write, rest=rest)


def put(ftp):
    store = ftp.storlines if o["ASCII"] else ftp.storbinary
    with open(o["Local"], "rb") as f:
        if o["Do"] == "put rest":
            rest = ftp.size(o["Name"])
            f.seek(rest)
            store("STOR " + o["Name"], f, rest=rest)
            return
        store("STOR " + o["Name"], f)


def list_(ftp):
    print(sorted(ftp.nlst(o["Name"])))
    for name, facts in ftp.mlsd(o["Name"]):
        print(name, facts)
    ftp.dir("-a", o["Name"])


do = {
    "list": list_,
    "get": get,
    "get rest": get,
    "put": put,
    "put rest": put,
    "rename": lambda ftp: ftp.rename(o["Name"], o["To"]),
    "delete": lambda ftp: ftp.delete(o["Name"]),
    "mkdir": lambda ftp: print(ftp.mkd(o["Name"])),
    "rmdir": lambda ftp: ftp.rmd(o["Name"]),
}
with client() as ftp:
    ftp.set_debuglevel(1)
    ftp.set_pasv(not o["Active"])
    ftp.connect(o["Host"], int(o["Port"]))
    ftp.login(o["User"], o["Password"])
    if o["TLS"]:
        ftp.prot_p()
    ftp.voidcmd("TYPE I")
    do[o["Do"]](ftp)
