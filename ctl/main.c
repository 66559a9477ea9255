/* SPDX-License-Identifier: ISC */
/* posternctl - administration of Postern: the table of its commands. */
#include "ctl/ctl.h"

static const struct ctl_command commands[] = {
    {"reload", NULL, "", "read postern.conf again and put it in force", ctl_reload},
    {"status", NULL, "", "show processes, listeners and connections", ctl_status},
    {"account", "add", "ADDRESS [--quota SIZE] [--disabled]",
     "make an account; the password comes from a prompt or from standard input", ctl_account_add},
    {"account", "passwd", "ADDRESS", "give an account a new password", ctl_account_passwd},
    {"account", "enable", "ADDRESS", "let an account log in and receive", ctl_account_enable},
    {"account", "disable", "ADDRESS", "refuse an account's logins and mail; its mailbox stays",
     ctl_account_disable},
    {"account", "remove", "ADDRESS", "remove an account; its mailbox stays", ctl_account_remove},
    {"account", "fingerprint", "ADDRESS [SHA256]...",
     "let an account log in with these certificates of clients, or with none",
     ctl_account_fingerprint},
    {"account", "subject", "ADDRESS [SUBJECT]...",
     "the same, by what the certificates say as their subject", ctl_account_subject},
    {"account", "list", "", "show each account, whether it is enabled, and its quota",
     ctl_account_list},
    {"cert", "create",
     "NAME [--yes] [--from NAME] [--replace] [--name HOST]... [--key KIND | --key NAME] [--weak] "
     "[--days N] [--country CC] [--state TEXT] [--locality TEXT] [--organization TEXT] [--unit "
     "TEXT] [--common-name TEXT] [--email ADDRESS]",
     "make a key, a request for an authority, and a self-signed certificate", ctl_cert_create},
    {"cert", "request", "NAME [--renew | --new-key [--key KIND]]",
     "print the request to send to an authority, as it is or made anew", ctl_cert_request},
    {"cert", "import", "FILE... [--name NAME] [--passphrase-file FILE] [--replace] [--force]",
     "take a key, a certificate and its chain from files of any kind (-: standard input)",
     ctl_cert_import},
    {"cert", "restore", "NAME.TIME", "put back in force what was replaced", ctl_cert_restore},
    {"cert", "remove", "NAME | NAME.TIME [--yes]",
     "remove a certificate and its key that no listener uses", ctl_cert_remove},
    {"cert", "rename", "NAME NEW", "give a certificate and its key another name", ctl_cert_rename},
    {"cert", "export",
     "NAME [--out FILE] [--private-key [--pkcs12] [--passphrase-file FILE | --no-passphrase]]",
     "write a certificate and its chain, and the private key if that is said", ctl_cert_export},
    {"cert", "list", "[--json]", "show each certificate, until when, and who uses it",
     ctl_cert_list},
    {"cert", "show", "NAME", "show all that a certificate says, in plain words", ctl_cert_show},
    {"cert", "audit", "NAME", "show what the running server has used a key for", ctl_cert_audit},
    {"cert", "check", "[--authorities FILE] [NAME]",
     "tell what mail clients will say of the certificates, and what to do", ctl_cert_check},
    {"cert", "client",
     "ACCOUNT [--days N] [--key KIND] [--out FILE] [--passphrase-file FILE] [--legacy]",
     "make a key and a certificate for an account's mail client, as PKCS#12", ctl_cert_client},
    {"cert", "clients", "", "list the certificates that were made for mail clients",
     ctl_cert_clients},
    {"cert", "revoke", "ACCOUNT | SERIAL", "revoke a client's certificate, or all of an account",
     ctl_cert_revoke},
    {"mailbox", "list", "", "show how many messages and octets each account has", ctl_mailbox_list},
    {"mailbox", "show", "ADDRESS", "show the folders of a mailbox", ctl_mailbox_show},
    {"mailbox", "usage", "[ADDRESS]", "show how much of its quota each account, or one, has used",
     ctl_mailbox_usage},
    {"mailbox", "expire", "ADDRESS FOLDER --older DAYS [--received] [--yes]",
     "remove from a folder what is in it for longer than some days", ctl_mailbox_expire},
    {"mailbox", "import", "ADDRESS PATH [--folder NAME]",
     "add the messages of a Maildir, a Maildir++ or an mbox file that are not there yet",
     ctl_mailbox_import},
    {"mailbox", "export", "ADDRESS FOLDER | --all PATH [--mbox]",
     "write the messages of a folder, or of all, into a Maildir++ or mbox files",
     ctl_mailbox_export},
    {NULL, NULL, NULL, NULL, NULL},
};

int
main(int argc, char **argv)
{
	return ctl_run(commands, argc, argv);
}
