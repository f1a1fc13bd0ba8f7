"""Sends one message with Python's smtplib, as a person who uses it would.

smtplib_client.py ORDER (JSON, see type order in mail_test.go)
"""
import json
import smtplib
import ssl
import sys

o = json.loads(sys.argv[1])
context = ssl.create_default_context(cafile=o["CA"])
if o["LMTP"]:
    client = smtplib.LMTP(o["Socket"])
elif o["TLS"] == "implicit":
    client = smtplib.SMTP_SSL(o["Host"], int(o["TLSPort"]), context=context, timeout=30)
else:
    client = smtplib.SMTP(o["Host"], int(o["Port"]), timeout=30)
with client:
    if o["TLS"] == "starttls":
        client.starttls(context=context)
    if o["User"] and o["Mechanism"] == "LOGIN":
        client.ehlo()
        client.user, client.password = o["User"], o["Password"]
        client.auth("LOGIN", client.auth_login)
    elif o["User"]:
        client.login(o["User"], o["Password"])
    with open(o["File"], "rb") as f:
        text = f.read()
    options = ["BODY=8BITMIME"]
    if o["UTF8"]:
        options.append("SMTPUTF8")
    print("refused:", client.sendmail(o["From"], o["To"], text, options))
