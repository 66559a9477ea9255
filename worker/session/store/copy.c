/* SPDX-License-Identifier: ISC */
/* store_copy(): one more row a message, or, to move it, another key for its row. */
#include <stdlib.h>
#include <time.h>

#include "worker/session/store/folder_change.h"
#include "worker/session/store/keywords.h"
#include "worker/session/store/placements.h"
#include "worker/session/store/remove.h"
#include "worker/session/store/sql.h"
#include "worker/session/store/store_private.h"

struct copy {
	struct store *store;
	struct change source, target;
	bool move;
	bool same; /* the target is the source: source is not used */
	int64_t now;
	struct ranges sources, targets;
};

static struct change *
source(struct copy *copy)
{
	return copy->same ? &copy->target : &copy->source;
}

static enum store_result
place(struct copy *copy, uint32_t from, uint32_t to, struct error *err)
{
	static const char insert[] =
	    "INSERT INTO placements (folder, uid, message, flags, modseq, keywords, saved)"
	    " SELECT ?3, ?4, message, flags, ?5, keywords, ?6 FROM placements"
	    " WHERE folder = ?1 AND uid = ?2";
	static const char update[] =
	    "UPDATE placements SET folder = ?3, uid = ?4, modseq = ?5, saved = ?6"
	    " WHERE folder = ?1 AND uid = ?2";

	return sql_run(copy->store, err, copy->move ? update : insert,
		       SQL_INT(source(copy)->folder), SQL_INT(from), SQL_INT(copy->target.folder),
		       SQL_INT(to), SQL_INT(copy->target.modseq), SQL_INT(copy->now));
}

static enum store_result
copy_one(struct copy *copy, const struct placement *placement, struct error *err)
{
	enum store_result result;
	uint32_t uid;

	result = change_take_uid(&copy->target, &uid, err);
	if (result == STORE_OK)
		result = place(copy, placement->uid, uid, err);
	if (result == STORE_OK && placement->keywords && !copy->same)
		result = keywords_copied(copy->store, copy->target.folder, uid, err);
	if (result != STORE_OK)
		return result;
	change_add(&copy->target, placement->flags, placement->size);
	if (copy->move)
		change_remove(source(copy), placement->flags, placement->size);
	if (ranges_append(&copy->sources, placement->uid, placement->uid) == -1 ||
	    ranges_append(&copy->targets, uid, uid) == -1) {
		error_errno(err, "copying messages");
		return STORE_TEMPORARY;
	}
	return STORE_OK;
}

/* Not what it puts there itself: UIDs from LIMIT on. */
static enum store_result
copy_range(struct copy *copy, struct store_range range, uint32_t limit, struct placement *chunk,
	   struct error *err)
{
	enum store_result result = STORE_OK;
	size_t count = PLACEMENTS_CHUNK;

	if (range.last >= limit)
		range.last = limit - 1;
	while (count == PLACEMENTS_CHUNK && range.first <= range.last) {
		result = placements_read(copy->store, source(copy)->folder, &range, false, chunk,
					 &count, err);
		for (size_t i = 0; i < count && result == STORE_OK; i++)
			result = copy_one(copy, &chunk[i], err);
		if (result != STORE_OK)
			return result;
		if (count > 0)
			range.first = chunk[count - 1].uid + 1;
	}
	return result;
}

static enum store_result
copy_ranges(struct copy *copy, const struct store_range *ranges, size_t range_count,
	    struct error *err)
{
	struct placement *chunk = reallocarray(NULL, PLACEMENTS_CHUNK, sizeof(*chunk));
	uint32_t limit = source(copy)->uidnext;
	enum store_result result = STORE_OK;

	if (chunk == NULL) {
		error_errno(err, "copying messages");
		return STORE_TEMPORARY;
	}
	for (size_t i = 0; i < range_count && result == STORE_OK; i++)
		result = copy_range(copy, ranges[i], limit, chunk, err);
	free(chunk);
	return result;
}

static enum store_result
begin(struct copy *copy, int64_t folder, int64_t target, struct error *err)
{
	enum store_result result = change_begin(copy->store, target, &copy->target, err);

	copy->same = folder == target;
	if (result == STORE_OK && !copy->same)
		result = change_begin(copy->store, folder, &copy->source, err);
	return result;
}

static enum store_result
end(struct copy *copy, struct error *err)
{
	enum store_result result = STORE_OK;

	if (copy->move)
		result = remove_note(copy->store, source(copy), &copy->sources, err);
	else
		result = change_check_quota(copy->store, (uint64_t)copy->target.messages,
					    (uint64_t)copy->target.size, err);
	if (result == STORE_OK && !copy->same)
		result = change_end(copy->store, &copy->source, err);
	if (result == STORE_OK)
		result = change_end(copy->store, &copy->target, err);
	return result;
}

enum store_result
copy_placements(struct store *store, int64_t folder, const struct store_range *ranges,
		size_t range_count, int64_t target, bool move, struct store_copied *copied,
		struct error *err)
{
	struct copy copy = {.store = store, .move = move, .now = time(NULL)};
	enum store_result result = begin(&copy, folder, target, err);

	if (result == STORE_OK)
		result = copy_ranges(&copy, ranges, range_count, err);
	if (result == STORE_OK)
		result = end(&copy, err);
	if (result != STORE_OK || copied == NULL) {
		free(copy.sources.list);
		free(copy.targets.list);
		return result;
	}
	*copied = (struct store_copied){.sources = copy.sources.list,
					.targets = copy.targets.list,
					.source_count = copy.sources.count,
					.target_count = copy.targets.count,
					.uidvalidity = copy.target.uidvalidity};
	return STORE_OK;
}

enum store_result
store_copy(struct store *store, int64_t folder, const struct store_range *ranges,
	   size_t range_count, int64_t target, bool move, struct store_copied *copied,
	   struct error *err)
{
	enum store_result result = transaction_begin(store, err);

	*copied = (struct store_copied){.sources = NULL};
	if (result != STORE_OK)
		return result;
	if (ranges == NULL) {
		ranges = &ranges_all;
		range_count = 1;
	}
	result = copy_placements(store, folder, ranges, range_count, target, move, copied, err);
	result = transaction_end(store, result, NULL, err);
	if (result != STORE_OK)
		store_copied_free(copied);
	return result;
}

void
store_copied_free(struct store_copied *copied)
{
	free(copied->sources);
	free(copied->targets);
	*copied = (struct store_copied){.sources = NULL};
}
