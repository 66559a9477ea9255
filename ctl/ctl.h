/* SPDX-License-Identifier: ISC */
/*
 * ctl - the commands of posternctl(8).
 *
 * posternctl [-v] [-f CONF] [-L DIR] NOUN [VERB] ARGUMENT...
 *
 * The table in main.c names every command. A command prints its result to standard output and its
 * errors, by ctl_error(), to standard error.
 */
#ifndef POSTERN_CTL_CTL_H
#define POSTERN_CTL_CTL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"

enum ctl_exit {
	CTL_OK = 0,
	CTL_FAILED = 1,
	CTL_USAGE = 2, /* the command's usage is printed */
	CTL_UNDONE = 3 /* exit status 2, without the usage: 1 has a meaning of its own */
};

struct ctl_command {
	const char *noun;
	const char *verb;  /* NULL: the noun is the whole command */
	const char *usage; /* the arguments, "" for none */
	const char *about; /* one line for `posternctl help`; no period */

	/*
	 * ARGV[0] is the verb (or the noun), so getopt_long(3) may be used as it is (optind is
	 * reset); --help never gets here. Returns an enum ctl_exit.
	 */
	int (*run)(int argc, char **argv);
};

struct configuration;

/* What stands in front of the noun. */
struct ctl_options {
	const char *conf;    /* -f, or the default path */
	const char *libexec; /* -L, or the default: where postern-certd is */
	bool verbose;        /* -v */
};
extern struct ctl_options ctl_options;

/* Prints "posternctl: TEXT". Returns CTL_FAILED. */
int ctl_error(const struct error *);

/* Runs the command line with a table that ends with a NULL noun. Returns the exit status. */
int ctl_run(const struct ctl_command *table, int argc, char **argv);

/* The commands: server.c, account.c, alias.c, cert_*.c, mailbox_*.c, queue_commands.c, dns*.c. */
int ctl_reload(int argc, char **argv);
int ctl_status(int argc, char **argv);
int ctl_account_add(int argc, char **argv);
int ctl_account_passwd(int argc, char **argv);
int ctl_account_enable(int argc, char **argv);
int ctl_account_disable(int argc, char **argv);
int ctl_account_remove(int argc, char **argv);
int ctl_account_fingerprint(int argc, char **argv);
int ctl_account_subject(int argc, char **argv);
int ctl_account_list(int argc, char **argv);
int ctl_alias_add(int argc, char **argv);
int ctl_alias_remove(int argc, char **argv);
int ctl_alias_list(int argc, char **argv);
int ctl_alias_show(int argc, char **argv);
int ctl_cert_create(int argc, char **argv);
int ctl_cert_request(int argc, char **argv);
int ctl_cert_import(int argc, char **argv);
int ctl_cert_restore(int argc, char **argv);
int ctl_cert_remove(int argc, char **argv);
int ctl_cert_rename(int argc, char **argv);
int ctl_cert_export(int argc, char **argv);
int ctl_cert_list(int argc, char **argv);
int ctl_cert_show(int argc, char **argv);
int ctl_cert_check(int argc, char **argv);
int ctl_cert_audit(int argc, char **argv);
int ctl_cert_client(int argc, char **argv);
int ctl_dkim_create(int argc, char **argv);
int ctl_dkim_rotate(int argc, char **argv);
int ctl_dkim_activate(int argc, char **argv);
int ctl_dkim_remove(int argc, char **argv);
int ctl_dkim_list(int argc, char **argv);
int ctl_dkim_show(int argc, char **argv);
int ctl_cert_revoke(int argc, char **argv);
int ctl_cert_clients(int argc, char **argv);
int ctl_mailbox_list(int argc, char **argv);
int ctl_mailbox_show(int argc, char **argv);
int ctl_mailbox_usage(int argc, char **argv);
int ctl_mailbox_expire(int argc, char **argv);
int ctl_mailbox_import(int argc, char **argv);
int ctl_mailbox_export(int argc, char **argv);
int ctl_mailbox_copy(int argc, char **argv);
int ctl_mailbox_check(int argc, char **argv);
int ctl_mailbox_repair(int argc, char **argv);
int ctl_dns_check(int argc, char **argv);
int ctl_dns(int argc, char **argv);
int ctl_queue_list(int argc, char **argv);
int ctl_queue_show(int argc, char **argv);
int ctl_queue_hold(int argc, char **argv);
int ctl_queue_release(int argc, char **argv);
int ctl_queue_retry(int argc, char **argv);
int ctl_queue_flush(int argc, char **argv);
int ctl_queue_remove(int argc, char **argv);

/* Has a running server read accounts.conf again; an enum ctl_exit. */
int ctl_tell_accounts(const struct configuration *);

/* Is there an account of this address, as account_address() writes it? 0, or -1 with ERR filled. */
int ctl_account_known(const struct configuration *, const char *address, struct error *);

#endif
