/* SPDX-License-Identifier: ISC */
/* posternctl mailbox list, show, usage: what there is, and how much. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/accounts_store.h"
#include "ctl/ctl.h"
#include "ctl/mailbox.h"
#include "ctl/text.h"

struct totals {
	uint64_t messages, size;
};

/* A mailbox that was never used has no folder on disk yet, and is not made by being asked for. */
static int
count_mailbox(const struct configuration *conf, const char *address, struct totals *totals,
	      struct error *err)
{
	struct folders folders;
	struct imap *imap;
	int result;

	*totals = (struct totals){.messages = 0};
	if (!mailbox_is_made(conf, address))
		return 0;
	if (imap_open(&imap, conf->state, address, err) == -1)
		return -1;
	result = folders_read(imap, &folders, err);
	for (size_t i = 0; i < folders.count; i++) {
		totals->messages += folders.list[i].messages;
		totals->size += folders.list[i].size;
	}
	folders_free(&folders);
	imap_close(imap);
	return result;
}

typedef void print_fn(const struct account *, const struct totals *);

static void
print_totals(const struct account *account, const struct totals *totals)
{
	printf("%s\t%" PRIu64 "\t%" PRIu64 "\n", account->address, totals->messages, totals->size);
}

static void
print_usage(const struct account *account, const struct totals *totals)
{
	char used[OCTETS_SIZE], limit[OCTETS_SIZE];

	printf("%s\t%s\t", account->address, octets_text(totals->size, used));
	if (account->quota == 0)
		printf("-\t-\n");
	else
		printf("%s\t%.0f%%\n", octets_text(account->quota, limit),
		       100.0 * (double)totals->size / (double)account->quota);
}

/* One that fails is told of, and the others follow. ADDRESS: NULL is all. */
static int
each_account(const struct configuration *conf, const char *address, print_fn *print)
{
	struct accounts_store store;
	struct totals totals;
	struct error err;
	bool found = false;
	int result = store_open(&store, conf->accounts, false, &err), status = CTL_OK;

	for (size_t i = 0; result == 0 && i < accounts_count(store.accounts); i++) {
		const struct account *account = accounts_at(store.accounts, i);

		if (address != NULL && strcmp(address, account->address) != 0)
			continue;
		found = true;
		if (count_mailbox(conf, account->address, &totals, &err) == -1)
			status = ctl_error(&err);
		else
			print(account, &totals);
	}
	store_close(&store);
	if (result == 0 && address != NULL && !found)
		result = error_set(&err,
				   "there is no account %s in %s: posternctl account list shows "
				   "those that are",
				   address, conf->accounts);
	if (result == -1)
		status = ctl_error(&err);
	return fflush(stdout) == EOF ? CTL_FAILED : status;
}

static int
run_on_accounts(const char *text, print_fn *print)
{
	struct configuration *conf;
	char address[ADDRESS_SIZE];
	struct error err;
	int status;

	if (text != NULL && account_address(text, address, &err) == -1)
		return ctl_error(&err);
	if ((conf = ctl_settings()) == NULL)
		return CTL_FAILED;
	status = each_account(conf, text != NULL ? address : NULL, print);
	conf_free(conf);
	return status;
}

int
ctl_mailbox_list(int argc, char **argv)
{
	(void)argv;
	return argc == 1 ? run_on_accounts(NULL, print_totals) : CTL_USAGE;
}

int
ctl_mailbox_usage(int argc, char **argv)
{
	if (argc > 2)
		return CTL_USAGE;
	return run_on_accounts(argc == 2 ? argv[1] : NULL, print_usage);
}

static void
print_folder(const struct folder *folder)
{
	if (!folder->selectable)
		return;
	text_print(stdout, folder->name);
	printf("\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t%s\n", folder->messages, folder->unseen,
	       folder->size, folder->uses[0] != '\0' ? folder->uses : "-");
}

int
ctl_mailbox_show(int argc, char **argv)
{
	struct mailbox mailbox;
	struct folders folders;
	struct error err;
	int result;

	if (argc != 2)
		return CTL_USAGE;
	if (mailbox_open_by(&mailbox, argv[1]) == -1)
		return CTL_FAILED;
	result = folders_read(mailbox.imap, &folders, &err);
	for (size_t i = 0; result == 0 && i < folders.count; i++)
		print_folder(&folders.list[i]);
	if (result == 0)
		folders_warn(mailbox.imap, &folders);
	folders_free(&folders);
	mailbox_close(&mailbox);
	if (result == -1)
		return ctl_error(&err);
	return fflush(stdout) == EOF ? CTL_FAILED : CTL_OK;
}
