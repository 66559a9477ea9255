/* SPDX-License-Identifier: ISC */
#include "worker/session/store/recover.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "worker/session/store/message_file.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

/* The queue gives up long before that; so nothing comes again after it. */
#define DELIVERY_KEPT_SECONDS ((int64_t)30 * 24 * 3600)

static int
compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Puts those in place that a row points to, and takes them off the list ("" remains). */
static enum store_result
place_known(struct store *store, struct message_id *ids, size_t count, struct error *err)
{
	enum store_result result;
	struct message_id *id;
	sqlite3_stmt *stmt;
	bool *known = calloc(count, sizeof(*known));
	bool row;

	if (known == NULL) {
		error_errno(err, "mailbox");
		return STORE_TEMPORARY;
	}
	/* One walk through all, however many there are: this happens after crashes only. */
	result = sql_start_values(store, &stmt, err, "SELECT file FROM messages", NULL, 0);
	while (result == STORE_OK && (result = sql_next(store, stmt, &row, err)) == STORE_OK &&
	       row) {
		id = bsearch(sql_column(stmt, 0), ids, count, sizeof(*ids), compare);
		if (id != NULL)
			known[id - ids] = true;
	}
	sql_end(store, stmt);
	for (size_t i = 0; i < count && result == STORE_OK; i++) {
		if (!known[i])
			continue;
		message_file_place(ids[i].text);
		ids[i].text[0] = '\0';
	}
	free(known);
	return result;
}

static enum store_result
end_half_done(struct store *store, struct error *err)
{
	enum store_result result = STORE_OK;
	struct message_id *ids;
	size_t count;

	if (message_files_left(&ids, &count, err) == -1)
		return STORE_TEMPORARY;
	if (count > 0)
		result = place_known(store, ids, count, err);
	for (size_t i = 0; i < count && result == STORE_OK; i++)
		if (ids[i].text[0] != '\0')
			message_file_remove(ids[i].text);
	free(ids);
	return result;
}

enum store_result
recover(struct store *store, struct error *err)
{
	enum store_result result;

	if (store->prepared)
		return STORE_OK;
	if (message_files_prepare(err) == -1)
		return STORE_TEMPORARY;
	result = end_half_done(store, err);
	if (result == STORE_OK)
		result = sql_run(store, err, "DELETE FROM deliveries WHERE stored < ?1",
				 SQL_INT(time(NULL) - DELIVERY_KEPT_SECONDS));
	if (result != STORE_OK)
		return result;
	(void)remove_doomed(store, true);
	store->prepared = true;
	return STORE_OK;
}
