/* SPDX-License-Identifier: ISC */
/* store_flags(): one transaction, a bounded piece of the folder at a time. */
#include <stdlib.h>
#include <string.h>

#include "worker/session/ranges.h"
#include "worker/session/store/change.h"
#include "worker/session/store/keywords.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

#define CHUNK 256
#define FLAGS_ALL (STORE_SEEN | STORE_ANSWERED | STORE_FLAGGED | STORE_DELETED | STORE_DRAFT)

struct current {
	uint64_t modseq;
	uint32_t uid;
	uint8_t flags;
	char *keywords; /* NULL: none */
};

struct job {
	struct store *store;
	const struct store_flags_change *order;
	char spelt[KEYWORDS_SIZE]; /* the order's keywords, as the folder spells them */
	struct change change;
	struct ranges failed;
	struct current chunk[CHUNK];
	size_t count;
};

static void
forget_chunk(struct job *job)
{
	for (size_t i = 0; i < job->count; i++)
		free(job->chunk[i].keywords);
	job->count = 0;
}

static enum store_result
take_row(struct job *job, sqlite3_stmt *stmt, struct error *err)
{
	struct current *current = &job->chunk[job->count++];

	*current = (struct current){.uid = (uint32_t)sqlite3_column_int64(stmt, 0),
				    .flags = (uint8_t)sqlite3_column_int(stmt, 1),
				    .modseq = (uint64_t)sqlite3_column_int64(stmt, 2)};
	if (sqlite3_column_type(stmt, 3) == SQLITE_NULL)
		return STORE_OK;
	current->keywords = strdup(sql_column(stmt, 3));
	if (current->keywords != NULL)
		return STORE_OK;
	error_errno(err, "flags");
	return STORE_TEMPORARY;
}

static enum store_result
read_chunk(struct job *job, const struct store_range *range, struct error *err)
{
	static const char sql[] = "SELECT uid, flags, modseq, keywords FROM placements"
				  " WHERE folder = ?1 AND uid BETWEEN ?2 AND ?3"
				  " ORDER BY uid LIMIT ?4";
	enum store_result result;
	sqlite3_stmt *stmt;
	bool row;

	result = sql_start(job->store, &stmt, err, sql, SQL_INT(job->change.folder),
			   SQL_INT(range->first), SQL_INT(range->last), SQL_INT(CHUNK));
	if (result != STORE_OK)
		return result;
	while ((result = sql_next(job->store, stmt, &row, err)) == STORE_OK && row) {
		result = take_row(job, stmt, err);
		if (result != STORE_OK)
			break;
	}
	sql_end(job->store, stmt);
	return result;
}

static uint8_t
new_flags(const struct store_flags_change *order, uint8_t old)
{
	switch (order->how) {
	case STORE_FLAGS_ADD:
		return old | (order->flags & FLAGS_ALL);
	case STORE_FLAGS_REMOVE:
		return (uint8_t)(old & ~(unsigned)order->flags);
	case STORE_FLAGS_REPLACE:
	default:
		return order->flags & FLAGS_ALL;
	}
}

static enum store_result
write_row(struct job *job, const struct current *current, uint8_t flags, const char *keywords,
	  struct error *err)
{
	struct change *change = &job->change;

	change->used = true;
	change->unseen += ((current->flags & STORE_SEEN) != 0) - ((flags & STORE_SEEN) != 0);
	change->deleted += ((flags & STORE_DELETED) != 0) - ((current->flags & STORE_DELETED) != 0);
	return sql_run(job->store, err,
		       "UPDATE placements SET flags = ?3, keywords = ?4, modseq = ?5"
		       " WHERE folder = ?1 AND uid = ?2",
		       SQL_INT(change->folder), SQL_INT(current->uid), SQL_INT(flags),
		       keywords[0] == '\0' ? SQL_NONE : SQL_TEXT(keywords),
		       SQL_INT(change->modseq));
}

static enum store_result
change_one(struct job *job, const struct current *current, struct error *err)
{
	const char *old = current->keywords != NULL ? current->keywords : "";
	uint8_t flags = new_flags(job->order, current->flags);
	char keywords[KEYWORDS_SIZE];
	bool changed = false;

	if (current->modseq > job->order->unchanged_since) {
		if (ranges_append(&job->failed, current->uid, current->uid) == 0)
			return STORE_OK;
		error_errno(err, "flags");
		return STORE_TEMPORARY;
	}
	if (keywords_apply(job->order->how, old, job->spelt, keywords, &changed) == -1) {
		error_set(err, "a message would have more than %d octets of keywords",
			  KEYWORDS_SIZE - 1);
		return STORE_LIMIT;
	}
	if (!changed && flags == current->flags)
		return STORE_OK;
	return write_row(job, current, flags, keywords, err);
}

static enum store_result
change_range(struct job *job, struct store_range range, struct error *err)
{
	enum store_result result;
	size_t count;

	do {
		result = read_chunk(job, &range, err);
		for (size_t i = 0; i < job->count && result == STORE_OK; i++)
			result = change_one(job, &job->chunk[i], err);
		count = job->count;
		if (count > 0)
			range.first = job->chunk[count - 1].uid + 1;
		forget_chunk(job);
	} while (result == STORE_OK && count == CHUNK && range.first <= range.last);
	return result;
}

static enum store_result
change_all(struct job *job, int64_t folder, const struct store_range *ranges, size_t count,
	   struct error *err)
{
	enum store_result result = change_begin(job->store, folder, &job->change, err);

	if (result == STORE_OK)
		result = keywords_spell(job->store, folder, job->order->keywords,
					job->order->how != STORE_FLAGS_REMOVE, job->spelt, err);
	for (size_t i = 0; i < count && result == STORE_OK; i++)
		result = change_range(job, ranges[i], err);
	if (result == STORE_OK)
		result = change_end(job->store, &job->change, err);
	return result;
}

enum store_result
store_flags(struct store *store, int64_t folder, const struct store_range *ranges,
	    size_t range_count, const struct store_flags_change *order, uint64_t *modseq,
	    struct store_range **failed, size_t *failed_count, struct error *err)
{
	struct job *job = calloc(1, sizeof(*job));
	enum store_result result;

	*modseq = 0;
	*failed = NULL;
	*failed_count = 0;
	if (job == NULL) {
		error_errno(err, "flags");
		return STORE_TEMPORARY;
	}
	job->store = store;
	job->order = order;
	result = transaction_begin(store, err);
	if (result == STORE_OK) {
		result = change_all(job, folder, ranges == NULL ? &ranges_all : ranges,
				    ranges == NULL ? 1 : range_count, err);
		result = transaction_end(store, result, NULL, err);
	}
	if (result == STORE_OK) {
		*modseq = job->change.used ? job->change.modseq : 0;
		*failed = job->failed.list;
		*failed_count = job->failed.count;
	} else {
		free(job->failed.list);
	}
	free(job);
	return result;
}
