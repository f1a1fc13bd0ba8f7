"""Sends messages as Python's email package makes them, over one connection.

smtplib_message.py ORDER (JSON, see type order in mail_test.go)
"""
import email.message
import json
import smtplib
import sys

o = json.loads(sys.argv[1])


def message(sender, to, text):
    m = email.message.EmailMessage()
    m["From"], m["To"], m["Bcc"], m["Subject"] = sender, to, "bob@our.test", "Grüße"
    m.set_content(text)
    return m


with smtplib.SMTP(o["Host"], int(o["Port"]), timeout=30) as client:
    client.send_message(message("me@elsewhere.test", "eve@our.test", "ASCII\n.\n"))
    try:
        client.send_message(message("me@elsewhere.test", "nobody@our.test", "x"), to_addrs=["nobody@our.test"])
    except smtplib.SMTPRecipientsRefused as e:
        print("refused:", e.recipients)
    client.send_message(message("jürgen@elsewhere.test", "zoë@our.test", "not ASCII: ß\n"))
    client.noop()
    client.rset()
    print(client.verify("eve@our.test"), client.docmd("help"))
