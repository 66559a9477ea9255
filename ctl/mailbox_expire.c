/* SPDX-License-Identifier: ISC */
/* posternctl mailbox expire: removes what is old from a folder. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/mailbox.h"
#include "ctl/options.h"

#define DAY (24 * 60 * INT64_C(60))
#define DAYS_MAX 100000

struct expiry {
	const char *folder;
	int64_t before;
	bool received; /* by INTERNALDATE, not by when it came into the folder */
	bool yes;

	struct uids uids;
	uint64_t octets;
};

/* A message whose SAVEDATE isn't known: by its INTERNALDATE (RFC 8514 4.3 says NIL then). */
static int
on_message(char *response, size_t length, void *arg, struct error *err)
{
	struct expiry *expiry = arg;
	struct fetched message;
	int64_t date;
	int found = read_fetch(response, length, &message);

	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 0 || (message.has & (FETCHED_UID | FETCHED_INTERNALDATE)) !=
			      (FETCHED_UID | FETCHED_INTERNALDATE))
		return 0;
	date = message.internaldate;
	if (!expiry->received && (message.has & FETCHED_SAVEDATE) != 0)
		date = message.savedate;
	if (date >= expiry->before)
		return 0;
	expiry->octets += message.size;
	return uids_add(&expiry->uids, message.uid, err);
}

static int
find(struct imap *imap, struct expiry *expiry, struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE];

	if (imap_command(imap, NULL, NULL, err, "SELECT %s", imap_quote(expiry->folder, quoted)) ==
	    -1)
		return -1;
	return imap_command(imap, on_message, expiry, err,
			    "UID FETCH 1:* (UID RFC822.SIZE INTERNALDATE SAVEDATE)");
}

/* *REMOVED counts those that are gone, also if a later step fails. */
static int
remove_all(struct imap *imap, const struct uids *uids, size_t *removed, struct error *err)
{
	char set[IMAP_SET_MAX];

	*removed = 0;
	while (*removed < uids->count) {
		size_t count = imap_write_set(uids->list + *removed, uids->count - *removed, set);

		if (imap_command(imap, NULL, NULL, err, "UID STORE %s +FLAGS.SILENT (\\Deleted)",
				 set) == -1 ||
		    imap_command(imap, NULL, NULL, err, "UID EXPUNGE %s", set) == -1)
			return -1;
		*removed += count;
	}
	return 0;
}

static bool
may_remove(const struct imap *imap, const struct expiry *expiry)
{
	char size[OCTETS_SIZE], *question;
	bool yes;

	if (expiry->yes)
		return true;
	if (asprintf(&question, "Remove %zu messages (%s) from %s of %s for good?",
		     expiry->uids.count, octets_text(expiry->octets, size), expiry->folder,
		     imap_address(imap)) == -1)
		return false;
	yes = mailbox_confirm(question);
	free(question);
	if (!yes)
		fputs("posternctl: nothing was removed; --yes answers the question\n", stderr);
	return yes;
}

static int
expire(struct imap *imap, struct expiry *expiry)
{
	char size[OCTETS_SIZE];
	struct error err;
	size_t removed = 0;
	int result = find(imap, expiry, &err);

	if (result == -1)
		return ctl_error(&err);
	if (expiry->uids.count == 0) {
		printf("Nothing in %s of %s is that old.\n", expiry->folder, imap_address(imap));
		return CTL_OK;
	}
	if (!may_remove(imap, expiry))
		return CTL_FAILED;
	result = remove_all(imap, &expiry->uids, &removed, &err);
	if (result == -1) {
		(void)error_prefix(&err, "%zu of %zu messages are removed, then", removed,
				   expiry->uids.count);
		return ctl_error(&err);
	}
	printf("%zu messages (%s) removed from %s of %s.\n", removed,
	       octets_text(expiry->octets, size), expiry->folder, imap_address(imap));
	return CTL_OK;
}

int
ctl_mailbox_expire(int argc, char **argv)
{
	static const struct option table[] = {{"older", required_argument, NULL, 'o'},
					      {"received", no_argument, NULL, 'r'},
					      {"yes", no_argument, NULL, 'y'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table};
	struct expiry expiry = {.folder = NULL};
	char folder[FOLDER_NAME_MAX + 1];
	const char *wrong, *days = NULL;
	struct mailbox mailbox;
	struct error err;
	int option, status;

	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option == 'o')
			days = optarg;
		else if (option == 'r')
			expiry.received = true;
		else if (option == 'y')
			expiry.yes = true;
		else
			return CTL_USAGE;
	}
	if (argc - optind != 2 || days == NULL)
		return CTL_USAGE;
	expiry.before = (int64_t)time(NULL) - strtonum(days, 0, DAYS_MAX, &wrong) * DAY;
	if (wrong != NULL) {
		error_set(&err, "--older %.50s: it takes days, 0 to %d", days, DAYS_MAX);
		return ctl_error(&err);
	}
	if (folder_name_take(argv[optind + 1], folder, &err) == -1)
		return ctl_error(&err);
	expiry.folder = folder;
	if (mailbox_open_by(&mailbox, argv[optind]) == -1)
		return CTL_FAILED;
	status = expire(mailbox.imap, &expiry);
	uids_free(&expiry.uids);
	mailbox_close(&mailbox);
	return status;
}
