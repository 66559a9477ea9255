/* SPDX-License-Identifier: ISC */
/* posternctl mailbox copy: folders of one account into another, from process to process. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"
#include "ctl/import.h"
#include "ctl/options.h"

struct entry {
	struct message_key key;
	uint64_t size;
	int64_t date;
	char *keywords;
	uint32_t uid;
	unsigned flags;
};

struct copy {
	struct imap *from;
	struct import *to;
	struct entry *list; /* of one folder */
	size_t count, room;

	/* The message that comes. */
	char *octets;
	size_t length, size;
	bool came;
};

/*
 * -- What is in a folder ----------------------------------------------------------------
 */

static void
forget(struct copy *copy)
{
	for (size_t i = 0; i < copy->count; i++)
		free(copy->list[i].keywords);
	free(copy->list);
	copy->list = NULL;
	copy->count = copy->room = 0;
}

static struct entry *
new_entry(struct copy *copy)
{
	if (copy->count == copy->room) {
		size_t room = copy->room == 0 ? 256 : 2 * copy->room;
		struct entry *grown = reallocarray(copy->list, room, sizeof(*grown));

		if (grown == NULL)
			return NULL;
		copy->list = grown;
		copy->room = room;
	}
	return &copy->list[copy->count];
}

static int
on_entry(char *response, size_t length, void *arg, struct error *err)
{
	const unsigned needed =
	    FETCHED_UID | FETCHED_FLAGS | FETCHED_SIZE | FETCHED_INTERNALDATE | FETCHED_BODY;
	struct copy *copy = arg;
	struct fetched message;
	struct entry *entry;
	int found = read_fetch(response, length, &message);

	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 0 || (message.has & needed) != needed)
		return 0;
	entry = new_entry(copy);
	if (entry == NULL)
		return error_errno(err, "a list of messages");
	*entry = (struct entry){.key = message_key_make(message.body, message.body_length,
							message.size, message.internaldate),
				.size = message.size,
				.date = message.internaldate,
				.keywords = strdup(message.keywords),
				.uid = message.uid,
				.flags = message.flags};
	if (entry->keywords == NULL)
		return error_errno(err, "a list of messages");
	copy->count++;
	return 0;
}

static int
list_folder(struct copy *copy, const struct folder *folder, struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE];

	if (imap_command(copy->from, NULL, NULL, err, "EXAMINE %s",
			 imap_quote(folder->name, quoted)) == -1)
		return -1;
	if (folder->messages == 0)
		return 0;
	return imap_command(copy->from, on_entry, copy, err,
			    "UID FETCH 1:* (UID FLAGS INTERNALDATE RFC822.SIZE "
			    "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE SUBJECT)])");
}

/*
 * -- A message --------------------------------------------------------------------------
 */

static int
on_body(const char *octets, size_t length, void *arg, struct error *err)
{
	struct copy *copy = arg;

	if (length > copy->size - copy->length)
		return error_set(err, "more of a message came than it has");
	memcpy(copy->octets + copy->length, octets, length);
	copy->length += length;
	return 0;
}

static int
on_answer(char *response, size_t length, void *arg, struct error *err)
{
	struct copy *copy = arg;
	struct fetched message;
	int found = read_fetch(response, length, &message);

	if (found == -1)
		return error_set(err, "a response that is none came");
	if (found == 1 && (message.has & FETCHED_BODY) != 0)
		copy->came = true;
	return 0;
}

/* Into copy->octets, malloc'd. 1; 0: it was expunged meanwhile; -1 with ERR. */
static int
fetch(struct copy *copy, const struct entry *entry, struct error *err)
{
	int result;

	if (entry->size > IMPORT_MESSAGE_MAX)
		return error_set(err, "UID %" PRIu32 " is too large", entry->uid);
	copy->size = (size_t)entry->size;
	copy->length = 0;
	copy->came = false;
	copy->octets = malloc(copy->size + 1);
	if (copy->octets == NULL)
		return error_errno(err, "a message");
	imap_set_body(copy->from, on_body, copy);
	result = imap_command(copy->from, on_answer, copy, err,
			      "UID FETCH %" PRIu32 " (UID BODY.PEEK[])", entry->uid);
	imap_set_body(copy->from, NULL, NULL);
	if (result == 0 && copy->came && copy->length != copy->size)
		result = error_set(err, "UID %" PRIu32 " came with %zu octets, it should have %zu",
				   entry->uid, copy->length, copy->size);
	if (result == 0 && copy->came)
		return 1;
	free(copy->octets);
	copy->octets = NULL;
	return result;
}

static int
copy_message(struct copy *copy, struct entry *entry, struct error *err)
{
	struct import_message message;
	int result = fetch(copy, entry, err);

	if (result != 1)
		return result;
	message = (struct import_message){.octets = copy->octets,
					  .length = copy->length,
					  .flags = entry->flags,
					  .keywords = entry->keywords,
					  .date = entry->date};
	copy->octets = NULL;
	entry->keywords = NULL;
	return import_add(copy->to, &message, err);
}

/*
 * -- Folders ------------------------------------------------------------------------------
 */

/* With its special use, if no other folder has that. It may be there already. */
static int
make_folder(struct copy *copy, const struct folder *folder, struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE], uses[2 * sizeof(folder->uses)];
	size_t used = 0;

	if (folder->uses[0] == '\0')
		return 0;
	/* "All Archive" is "\All \Archive" there. */
	for (const char *at = folder->uses; *at != '\0'; at++) {
		if (at == folder->uses || at[-1] == ' ')
			uses[used++] = '\\';
		uses[used++] = *at;
	}
	uses[used] = '\0';
	if (imap_command(copy->to->imap, NULL, NULL, err, "CREATE %s (USE (%s))",
			 imap_quote(folder->name, quoted), uses) == -1 &&
	    !imap_refused(copy->to->imap))
		return -1;
	return 0;
}

static int
copy_messages(struct copy *copy, struct error *err)
{
	int result = 0;

	for (size_t i = 0; i < copy->count && result == 0; i++) {
		struct entry *entry = &copy->list[i];

		if (message_keys_take(&copy->to->present, &entry->key))
			copy->to->known++;
		else
			result = copy_message(copy, entry, err);
		import_progress(copy->to, entry->size);
	}
	return result == 0 ? import_end(copy->to, err) : -1;
}

static int
copy_folder(struct copy *copy, const struct folder *folder, struct error *err)
{
	char quoted[IMAP_QUOTED_SIZE];
	int result = 0;

	if (folder->selectable) {
		result = make_folder(copy, folder, err);
		if (result == 0)
			result = import_begin(copy->to, folder->name, 0, 0, err);
		if (result == 0)
			result = list_folder(copy, folder, err);
		if (result == 0)
			result = copy_messages(copy, err);
		forget(copy);
	}
	if (result == 0 && folder->subscribed)
		result = imap_command(copy->to->imap, NULL, NULL, err, "SUBSCRIBE %s",
				      imap_quote(folder->name, quoted));
	return result;
}

/*
 * -- The command --------------------------------------------------------------------------
 */

struct wanted {
	char (*names)[FOLDER_NAME_MAX + 1]; /* COUNT of them; 0: all */
	size_t count;
};

static bool
is_wanted(const struct wanted *wanted, const char *name)
{
	for (size_t i = 0; i < wanted->count; i++) {
		if (strcmp(wanted->names[i], name) == 0)
			return true;
	}
	return wanted->count == 0;
}

/* Before anything is copied: one that is misspelt must not look like one that is done. */
static int
check_wanted(const struct wanted *wanted, const struct folders *folders, struct error *err)
{
	for (size_t i = 0; i < wanted->count; i++) {
		const struct folder *folder = folders_find(folders, wanted->names[i]);

		if (folder == NULL || !folder->selectable)
			return error_set(err,
					 "there is no folder %.100s: posternctl mailbox show shows "
					 "those that are",
					 wanted->names[i]);
	}
	return 0;
}

static int
copy_all(struct copy *copy, const struct wanted *wanted, const struct folders *folders,
	 struct error *err)
{
	int result = check_wanted(wanted, folders, err);

	for (size_t i = 0; i < folders->count; i++) {
		if (is_wanted(wanted, folders->list[i].name))
			copy->to->total += folders->list[i].size;
	}
	for (size_t i = 0; i < folders->count && result == 0; i++) {
		if (is_wanted(wanted, folders->list[i].name))
			result = copy_folder(copy, &folders->list[i], err);
	}
	return result;
}

static int
run(struct copy *copy, const struct wanted *wanted)
{
	struct folders folders;
	struct error err;
	int result = folders_read(copy->from, &folders, &err);

	if (result == 0)
		result = copy_all(copy, wanted, &folders, &err);
	if (result == 0)
		folders_warn(copy->from, &folders);
	printf("%" PRIu64 " messages added, %" PRIu64 " were there already.\n", copy->to->added,
	       copy->to->known);
	if (result == -1) {
		(void)ctl_error(&err);
		fputs("posternctl: the same command goes on where it has stopped\n", stderr);
	}
	result = result == -1 || folders.unfit > 0 ? CTL_FAILED : CTL_OK;
	folders_free(&folders);
	return fflush(stdout) == EOF ? CTL_FAILED : result;
}

static int
open_both(const char *from, const char *to, const struct wanted *wanted)
{
	struct import *import = calloc(1, sizeof(*import));
	struct mailbox source, target;
	struct copy copy = {.to = import};
	struct error err;
	int status = CTL_FAILED;

	if (import == NULL) {
		(void)error_errno(&err, "a mailbox");
		return ctl_error(&err);
	}
	if (mailbox_open_by(&source, from) == 0) {
		if (mailbox_open_by(&target, to) == 0) {
			copy.from = source.imap;
			import->imap = target.imap;
			import->bar = isatty(STDERR_FILENO) == 1;
			if (strcmp(imap_address(copy.from), imap_address(import->imap)) == 0) {
				(void)error_set(&err, "%s can't be copied into itself",
						imap_address(copy.from));
				(void)ctl_error(&err);
			} else {
				status = run(&copy, wanted);
			}
			import_free(import);
			mailbox_close(&target);
		}
		mailbox_close(&source);
	}
	free(import);
	return status;
}

static int
add_wanted(struct wanted *wanted, const char *text, struct error *err)
{
	char(*grown)[FOLDER_NAME_MAX + 1];

	grown = reallocarray(wanted->names, wanted->count + 1, sizeof(*grown));
	if (grown == NULL)
		return error_errno(err, "a folder's name");
	wanted->names = grown;
	return folder_name_take(text, wanted->names[wanted->count++], err);
}

int
ctl_mailbox_copy(int argc, char **argv)
{
	static const struct option table[] = {{"folder", required_argument, NULL, 'f'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table, .repeatable = "f"};
	struct wanted wanted = {.names = NULL};
	int option, status = CTL_OK;
	struct error err;

	while (status == CTL_OK && (option = options_next(&options, argc, argv)) != -1) {
		if (option != 'f')
			status = CTL_USAGE;
		else if (add_wanted(&wanted, optarg, &err) == -1)
			status = ctl_error(&err);
	}
	if (status == CTL_OK)
		status = argc - optind != 2 ? CTL_USAGE
					    : open_both(argv[optind], argv[optind + 1], &wanted);
	free(wanted.names);
	return status;
}
