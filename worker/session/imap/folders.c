/* SPDX-License-Identifier: ISC */
#include "worker/session/imap/folders.h"

#include <stdlib.h>
#include <string.h>

static void
add(struct folders *folders, const char *name, size_t length, const struct store_folder *folder)
{
	struct folder_name *entry;

	if (folders->count == folders->room) {
		size_t room = folders->room * 2 + 32;
		struct folder_name *bigger = reallocarray(folders->list, room, sizeof(*bigger));

		if (bigger == NULL) {
			folders->failed = true;
			return;
		}
		folders->list = bigger;
		folders->room = room;
	}
	entry = &folders->list[folders->count];
	*entry = (struct folder_name){.name = strndup(name, length)};
	if (folder != NULL)
		entry->folder = *folder;
	if (entry->name == NULL)
		folders->failed = true;
	else
		folders->count++;
}

/* Each with the levels above it; what comes twice goes later. */
static void
add_folder(const char *name, const struct store_folder *folder, void *arg)
{
	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/'))
		add(arg, name, (size_t)(slash - name), NULL);
	add(arg, name, strlen(name), folder);
}

static int
compare(const void *a, const void *b)
{
	const struct folder_name *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	/* A real one comes before a level that has its name. */
	if (order == 0)
		order = (x->folder.id == 0) - (y->folder.id == 0);
	if (order == 0)
		order = (int)y->folder.subscribed - (int)x->folder.subscribed;
	return order;
}

static void
remove_doubles(struct folders *folders)
{
	size_t kept = 0;

	for (size_t i = 0; i < folders->count; i++) {
		if (kept > 0 && strcmp(folders->list[kept - 1].name, folders->list[i].name) == 0)
			free(folders->list[i].name);
		else
			folders->list[kept++] = folders->list[i];
	}
	folders->count = kept;
}

enum store_result
folders_read(struct folders *folders, struct store *store, struct error *err)
{
	enum store_result result;

	*folders = (struct folders){.list = NULL};
	result = store_folders(store, add_folder, folders, err);
	if (result == STORE_OK && folders->failed) {
		error_set(err, "no memory for a list of mailboxes");
		result = STORE_TEMPORARY;
	}
	if (result != STORE_OK) {
		folders_free(folders);
		return result;
	}
	if (folders->count > 0)
		qsort(folders->list, folders->count, sizeof(*folders->list), compare);
	remove_doubles(folders);
	return STORE_OK;
}

void
folders_free(struct folders *folders)
{
	free(folders->by_id);
	for (size_t i = 0; i < folders->count; i++)
		free(folders->list[i].name);
	free(folders->list);
	*folders = (struct folders){.list = NULL};
}

/* The first whose name is not less than NAME. */
static size_t
lower_bound(const struct folders *folders, const char *name)
{
	size_t low = 0, high = folders->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(folders->list[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct folder_name *
folders_find(const struct folders *folders, const char *name)
{
	size_t i = lower_bound(folders, name);

	if (i < folders->count && strcmp(folders->list[i].name, name) == 0)
		return &folders->list[i];
	return NULL;
}

static int
compare_ids(const void *a, const void *b)
{
	const struct folder_id *left = a, *right = b;

	return (left->id > right->id) - (left->id < right->id);
}

void
folders_index(struct folders *folders)
{
	folders->by_id = calloc(folders->count + 1, sizeof(*folders->by_id));
	if (folders->by_id == NULL)
		return;
	folders->id_count = 0;
	for (size_t i = 0; i < folders->count; i++)
		if (folders->list[i].folder.id != 0)
			folders->by_id[folders->id_count++] =
			    (struct folder_id){folders->list[i].folder.id, i};
	qsort(folders->by_id, folders->id_count, sizeof(*folders->by_id), compare_ids);
}

struct folder_name *
folders_find_id(const struct folders *folders, int64_t id)
{
	const struct folder_id wanted = {.id = id}, *found;

	if (folders->by_id != NULL) {
		found = bsearch(&wanted, folders->by_id, folders->id_count, sizeof(*folders->by_id),
				compare_ids);
		return found == NULL ? NULL : &folders->list[found->at];
	}
	for (size_t i = 0; i < folders->count; i++) {
		if (folders->list[i].folder.id == id && id != 0)
			return &folders->list[i];
	}
	return NULL;
}

const struct folder_name *
folders_next_below(const struct folders *folders, const char *name, size_t *at)
{
	char prefix[STORE_NAME_MAX + 2];
	size_t length = strlcpy(prefix, name, sizeof(prefix));

	if (length + 1 >= sizeof(prefix))
		return NULL;
	prefix[length++] = '/';
	prefix[length] = '\0';
	*at = *at == SIZE_MAX ? lower_bound(folders, prefix) : *at + 1;
	if (*at >= folders->count || strncmp(folders->list[*at].name, prefix, length) != 0)
		return NULL;
	return &folders->list[*at];
}

bool
folders_have_below(const struct folders *folders, const char *name, bool subscribed)
{
	const struct folder_name *entry;
	size_t at = SIZE_MAX;

	while ((entry = folders_next_below(folders, name, &at)) != NULL)
		if (subscribed ? entry->folder.subscribed : entry->folder.id != 0)
			return true;
	return false;
}
