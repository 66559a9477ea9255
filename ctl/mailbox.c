/* SPDX-License-Identifier: ISC */
#include "ctl/mailbox.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/accounts_file.h"
#include "ctl/ctl.h"

/*
 * -- Whose --------------------------------------------------------------------------
 */

bool
mailbox_is_made(const struct configuration *conf, const char *address)
{
	const char *at = strchr(address, '@');
	char path[PATH_MAX];
	struct stat st;

	if (at == NULL || snprintf(path, sizeof(path), "%s/mail/%s/%.*s", conf->state, at + 1,
				   (int)(at - address), address) >= (int)sizeof(path))
		return false;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int
mailbox_address(const struct configuration *conf, const char *text, char address[ADDRESS_SIZE],
		struct error *err)
{
	if (account_address(text, address, err) == -1)
		return -1;
	return mailbox_is_made(conf, address) ? 0 : ctl_account_known(conf, address, err);
}

int
mailbox_open_by(struct mailbox *mailbox, const char *text)
{
	char address[ADDRESS_SIZE];
	struct error err;

	*mailbox = (struct mailbox){.conf = ctl_settings()};
	if (mailbox->conf == NULL)
		return -1;
	if (mailbox_address(mailbox->conf, text, address, &err) == 0 &&
	    imap_open(&mailbox->imap, mailbox->conf->state, address, &err) == 0)
		return 0;
	(void)ctl_error(&err);
	mailbox_close(mailbox);
	return -1;
}

void
mailbox_close(struct mailbox *mailbox)
{
	imap_close(mailbox->imap);
	mailbox->imap = NULL;
	conf_free(mailbox->conf);
	mailbox->conf = NULL;
}

/*
 * -- Folders ------------------------------------------------------------------------
 */

struct folder *
folders_find(const struct folders *folders, const char *name)
{
	for (size_t i = 0; i < folders->count; i++) {
		if (strcmp(folders->list[i].name, name) == 0)
			return &folders->list[i];
	}
	return NULL;
}

static int
add_folder(struct folders *folders, const struct listed *listed, struct error *err)
{
	struct folder *folder, *grown;

	if (listed->name[0] == '\0') {
		folders->unfit++;
		return 0;
	}
	/* A power of two: there is no room for one more. */
	if ((folders->count & (folders->count - 1)) == 0) {
		size_t room = folders->count == 0 ? 1 : 2 * folders->count;

		grown = reallocarray(folders->list, room, sizeof(*grown));
		if (grown == NULL)
			return error_errno(err, "a list of folders");
		folders->list = grown;
	}
	folder = &folders->list[folders->count];
	*folder =
	    (struct folder){.selectable = listed->selectable, .subscribed = listed->subscribed};
	memcpy(folder->uses, listed->uses, sizeof(folder->uses));
	folder->name = strdup(listed->name);
	if (folder->name == NULL)
		return error_errno(err, "a list of folders");
	folders->count++;
	return 0;
}

static int
on_listed(char *response, size_t length, void *arg, struct error *err)
{
	struct folders *folders = arg;
	struct listed listed;
	struct statused status;
	struct folder *folder;
	int found = read_list(response, length, &listed);

	memset(&status, 0, sizeof(status)); /* all of it is set if one is found */
	if (found == 1)
		return add_folder(folders, &listed, err);
	if (found == 0)
		found = read_status(response, length, &status);
	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 0 || folders->count == 0)
		return 0;
	/* It follows its LIST (RFC 5819 2). */
	folder = &folders->list[folders->count - 1];
	if (strcmp(folder->name, status.name) == 0) {
		folder->messages = status.messages;
		folder->unseen = status.unseen;
		folder->size = status.size;
		folder->uidnext = status.uidnext;
		folder->uidvalidity = status.uidvalidity;
	}
	return 0;
}

int
folders_read(struct imap *imap, struct folders *folders, struct error *err)
{
	*folders = (struct folders){.count = 0};
	return imap_command(imap, on_listed, folders, err,
			    "LIST \"\" \"*\" RETURN (SUBSCRIBED SPECIAL-USE STATUS (MESSAGES "
			    "UNSEEN SIZE UIDNEXT UIDVALIDITY))");
}

void
folders_free(struct folders *folders)
{
	for (size_t i = 0; i < folders->count; i++)
		free(folders->list[i].name);
	free(folders->list);
	*folders = (struct folders){.count = 0};
}

void
folders_warn(const struct imap *imap, const struct folders *folders)
{
	if (folders->unfit > 0)
		fprintf(stderr,
			"posternctl: %s: %zu folders are left out: their names have control "
			"characters, or a level \".\" or \"..\"; rename them by a mail client\n",
			imap_address(imap), folders->unfit);
}

int
folder_name_take(const char *text, char out[FOLDER_NAME_MAX + 1], struct error *err)
{
	size_t length = strlen(text);

	if (!folder_name_is_fine(text, length))
		return error_set(err,
				 "\"%.100s\" can't be a folder's name: levels with a / between, "
				 "UTF-8, %d octets at most",
				 text, FOLDER_NAME_MAX);
	memcpy(out, text, length + 1);
	/* RFC 9051 5.1: whatever its case. */
	if (strncasecmp(out, "INBOX", 5) == 0 && (out[5] == '\0' || out[5] == '/'))
		memcpy(out, "INBOX", 5);
	return 0;
}

/*
 * -- For a person -------------------------------------------------------------------
 */

const char *
octets_text(uint64_t octets, char out[OCTETS_SIZE])
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	double value = (double)octets / 1024;
	size_t unit = 0;

	if (octets < 1024) {
		snprintf(out, OCTETS_SIZE, "%" PRIu64, octets);
		return out;
	}
	for (; value >= 1024 && unit < 3; unit++)
		value /= 1024;
	snprintf(out, OCTETS_SIZE, "%.1f %s", value, units[unit]);
	return out;
}

bool
mailbox_confirm(const char *question)
{
	char line[16];

	printf("%s (yes or no) ", question);
	fflush(stdout);
	return fgets(line, sizeof(line), stdin) != NULL && strcmp(line, "yes\n") == 0;
}

int
uids_add(struct uids *uids, uint32_t uid, struct error *err)
{
	if (uids->count == uids->room) {
		size_t room = uids->room == 0 ? 1024 : 2 * uids->room;
		uint32_t *grown = reallocarray(uids->list, room, sizeof(*grown));

		if (grown == NULL)
			return error_errno(err, "a list of messages");
		uids->list = grown;
		uids->room = room;
	}
	uids->list[uids->count++] = uid;
	return 0;
}

void
uids_free(struct uids *uids)
{
	free(uids->list);
	*uids = (struct uids){.count = 0};
}
