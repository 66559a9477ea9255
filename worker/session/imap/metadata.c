/* SPDX-License-Identifier: ISC */
/* GETMETADATA and SETMETADATA (RFC 5464), and LIST's METADATA (RFC 9590). */
#include "config.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "worker/session/imap/commands.h"

#define VALUE_MAX 65536 /* octets; store.h has the same bound */

/* "": the server. */
static enum store_result
find_folder(struct imap *imap, const char *mailbox, int64_t *id, struct error *err)
{
	struct store_folder folder;
	enum store_result result;

	*id = 0;
	if (mailbox[0] == '\0')
		return STORE_OK;
	result = store_folder(imap->store, mailbox, &folder, err);
	if (result == STORE_OK)
		*id = folder.id;
	return result;
}

struct asking {
	struct imap *imap;
	const struct imap_strings *entries;
	const char *mailbox;
	bool *found; /* of entries */
	unsigned depth;
	uint64_t max_size; /* UINT64_MAX: none */
	uint64_t longest;  /* of those that were too long */
	size_t told;
	bool full; /* there is no memory for all of it */
};

/* Is ENTRY this one, or below it as far as DEPTH says (RFC 5464 4.2.2)? */
static bool
is_asked(const char *entry, const struct imap_string *asked, unsigned depth)
{
	if (strcmp(entry, asked->bytes) == 0)
		return true;
	if (depth == 0 || strncmp(entry, asked->bytes, asked->length) != 0 ||
	    entry[asked->length] != '/')
		return false;
	return depth == IMAP_DEPTH_INFINITY || strchr(entry + asked->length + 1, '/') == NULL;
}

static void
begin_entry(struct asking *asking, const char *entry)
{
	struct imap *imap = asking->imap;

	if (asking->told++ == 0) {
		imap_text(imap, "* METADATA ");
		imap_mailbox(imap, asking->mailbox);
		imap_text(imap, " (");
	} else {
		imap_text(imap, " ");
	}
	imap_astring(imap, entry);
	imap_text(imap, " ");
}

static void
give_entry(const char *entry, const void *value, size_t length, void *arg)
{
	struct asking *asking = arg;
	bool asked = false;

	for (size_t i = 0; i < asking->entries->count; i++)
		if (is_asked(entry, &asking->entries->list[i], asking->depth)) {
			asked = true;
			if (strcmp(entry, asking->entries->list[i].bytes) == 0)
				asking->found[i] = true;
		}
	if (!asked)
		return;
	if (length > asking->max_size) {
		if (length > asking->longest)
			asking->longest = length;
		return;
	}
	imap_account(asking->imap);
	asking->full = asking->full || imap_memory_left(asking->imap) < length;
	if (asking->full)
		return;
	begin_entry(asking, entry);
	imap_nstring(asking->imap, value, length);
}

/* RFC 5464 4.2: one that isn't there is NIL, where it was asked for by its name. */
static enum store_result
tell(struct asking *asking, int64_t folder, bool nil, struct error *err)
{
	enum store_result result;

	asking->found = calloc(asking->entries->count + 1, sizeof(*asking->found));
	if (asking->found == NULL) {
		error_errno(err, "metadata");
		return STORE_TEMPORARY;
	}
	result = store_metadata(asking->imap->store, folder, give_entry, asking, err);
	if (result == STORE_OK && asking->full) {
		error_set(err, IMAP_TOO_MUCH);
		result = STORE_LIMIT;
	}
	for (size_t i = 0; i < asking->entries->count && nil && result == STORE_OK; i++)
		if (!asking->found[i]) {
			begin_entry(asking, asking->entries->list[i].bytes);
			imap_text(asking->imap, "NIL");
		}
	if (asking->told > 0)
		imap_text(asking->imap, ")\r\n");
	free(asking->found);
	return result;
}

/* Put aside until all of it could be read. */
enum store_result
imap_tell_metadata(struct imap *imap, const char *name, int64_t folder,
		   const struct imap_strings *entries, struct error *err)
{
	struct asking asking = {
	    .imap = imap, .entries = entries, .mailbox = name, .max_size = UINT64_MAX};
	struct evbuffer *out = imap->stream.out, *aside = evbuffer_new();
	enum store_result result;

	if (aside == NULL) {
		error_errno(err, "metadata");
		return STORE_TEMPORARY;
	}
	imap->stream.out = aside;
	result = tell(&asking, folder, true, err);
	imap->stream.out = out;
	if (result == STORE_OK && evbuffer_add_buffer(out, aside) == -1) {
		imap->broken = true;
		imap->why = "no memory for a response";
	}
	evbuffer_free(aside);
	return result;
}

void
imap_do_getmetadata(struct imap *imap, const struct imap_command *command)
{
	const struct imap_getmetadata *get = &command->getmetadata;
	struct asking asking = {.imap = imap,
				.entries = &get->entries,
				.mailbox = get->mailbox,
				.depth = get->depth,
				.max_size = get->has_max_size ? get->max_size : UINT64_MAX};
	struct error err;
	int64_t folder;
	enum store_result result = find_folder(imap, get->mailbox, &folder, &err);

	if (result == STORE_OK)
		result = tell(&asking, folder, get->depth == 0 && !get->has_max_size, &err);
	if (result != STORE_OK)
		imap_failed(imap, result, &err);
	else if (asking.longest > 0)
		imap_ok(imap, "[METADATA LONGENTRIES %" PRIu64 "] %s done", asking.longest,
			imap_verb_name(command));
	else
		imap_ok(imap, "%s done", imap_verb_name(command));
}

/* RFC 5464 4.3: all or none. */
static enum store_result
set_all(struct imap *imap, const struct imap_setmetadata *set, int64_t folder, struct error *err)
{
	struct store_annotation *list = calloc(set->entries.count + 1, sizeof(*list));
	enum store_result result;

	if (list == NULL) {
		error_errno(err, "metadata");
		return STORE_TEMPORARY;
	}
	for (size_t i = 0; i < set->entries.count; i++)
		list[i] = (struct store_annotation){.entry = set->entries.list[i].bytes,
						    .value = set->values[i].bytes,
						    .length = set->values[i].length};
	result = store_metadata_set(imap->store, folder, list, set->entries.count, err);
	free(list);
	return result;
}

void
imap_do_setmetadata(struct imap *imap, const struct imap_command *command)
{
	const struct imap_setmetadata *set = &command->setmetadata;
	struct error err;
	int64_t folder;
	enum store_result result = find_folder(imap, set->mailbox, &folder, &err);

	for (size_t i = 0; i < set->entries.count; i++)
		if (set->values[i].bytes != NULL && set->values[i].length > VALUE_MAX) {
			imap_tagged(imap, "NO", "[METADATA MAXSIZE %d] This is too long",
				    VALUE_MAX);
			return;
		}
	if (result == STORE_OK)
		result = set_all(imap, set, folder, &err);
	if (result == STORE_LIMIT)
		imap_tagged(imap, "NO", "[METADATA TOOMANY] %s", err.text);
	else if (result != STORE_OK)
		imap_failed(imap, result, &err);
	else
		imap_ok(imap, "%s done", imap_verb_name(command));
}
