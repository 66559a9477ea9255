/* SPDX-License-Identifier: ISC */
#include "certd/vault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "certd/folder.h"
#include "common/cert_name.h"
#include "common/log.h"

RB_HEAD(vault_tree, vault_entry);

struct vault {
	int directory;
	uid_t owner;
	size_t count;
	struct vault_tree tree;
	struct refusals refusals;
};

static int
entry_compare(const struct vault_entry *a, const struct vault_entry *b)
{
	return strcmp(a->name, b->name);
}

RB_GENERATE_INTERNAL(vault_tree, vault_entry, entry, entry_compare, static __attribute__((unused)))

struct vault *
vault_new(void)
{
	struct vault *vault = calloc(1, sizeof(*vault));

	if (vault == NULL)
		return NULL;
	vault->directory = -1;
	RB_INIT(&vault->tree);
	refusals_init(&vault->refusals);
	return vault;
}

void
vault_set_folder(struct vault *vault, int directory, uid_t owner)
{
	vault->directory = directory;
	vault->owner = owner;
}

static void
entry_unlink(struct vault *vault, struct vault_entry *entry)
{
	RB_REMOVE(vault_tree, &vault->tree, entry);
	vault->count--;
}

static void
entry_free(struct vault_entry *entry)
{
	pair_free(entry->pair);
	for (size_t i = 0; i < VAULT_PREVIOUS; i++)
		pair_free(entry->previous[i].pair);
	free(entry);
}

void
vault_free(struct vault *vault)
{
	struct vault_entry *entry;

	if (vault == NULL)
		return;
	while ((entry = RB_MIN(vault_tree, &vault->tree)) != NULL) {
		entry_unlink(vault, entry);
		entry_free(entry);
	}
	refusals_clear(&vault->refusals, NULL);
	free(vault);
}

static struct vault_entry *
find(const struct vault *vault, const char *name)
{
	struct vault_entry key = {.seen = false};

	strlcpy(key.name, name, sizeof(key.name));
	return RB_FIND(vault_tree, (struct vault_tree *)(uintptr_t)&vault->tree, &key);
}

void
vault_remove(struct vault *vault, const char *name, vault_changed_fn *changed, void *arg)
{
	struct vault_entry *entry = find(vault, name);

	refusals_clear(&vault->refusals, name);
	if (entry == NULL)
		return;
	entry_unlink(vault, entry);
	entry->gone = true;
	if (changed != NULL)
		changed(entry, arg);
	log_event(LOG_INFO, "key.removed", KV_STR("key", name));
	entry_free(entry);
}

const struct refusals *
vault_refusals(const struct vault *vault)
{
	return &vault->refusals;
}

size_t
vault_count(const struct vault *vault)
{
	return vault->count;
}

const struct vault_entry *
vault_next(const struct vault *vault, const struct vault_entry *entry)
{
	struct vault_tree *tree = (struct vault_tree *)(uintptr_t)&vault->tree;

	if (entry == NULL)
		return RB_MIN(vault_tree, tree);
	return RB_NEXT(vault_tree, tree, (struct vault_entry *)(uintptr_t)entry);
}

const struct vault_entry *
vault_find(const struct vault *vault, const char *name)
{
	return find(vault, name);
}

/* A new entry for PAIR, which it takes. */
static struct vault_entry *
add(struct vault *vault, const char *name, struct pair *pair, struct error *err)
{
	struct vault_entry *entry;

	if (vault->count >= VAULT_MAX) {
		error_set(err, "more than %d certificates: remove some from the folder", VAULT_MAX);
		return NULL;
	}
	if ((entry = calloc(1, sizeof(*entry))) == NULL) {
		error_errno(err, "%s", name);
		return NULL;
	}
	strlcpy(entry->name, name, sizeof(entry->name));
	entry->pair = pair;
	vault->count++;
	RB_INSERT(vault_tree, &vault->tree, entry);
	return entry;
}

/* PAIR, taken, comes into force. Returns false if it is what was there. */
static bool
replace(struct vault_entry *entry, struct pair *pair)
{
	struct pair *old = entry->pair;

	if (pair_same_key(old, pair) && pair_same_chain(old, pair)) {
		pair_free(pair);
		return false;
	}
	entry->pair = pair;
	if (pair_same_key(old, pair)) {
		pair_free(old);
		return true;
	}
	pair_free(entry->previous[VAULT_PREVIOUS - 1].pair);
	memmove(&entry->previous[1], &entry->previous[0],
		(VAULT_PREVIOUS - 1) * sizeof(entry->previous[0]));
	entry->previous[0] = (struct vault_previous){.pair = old};
	entry->generation++;
	return true;
}

static void
log_pair(const char *event, const char *name, const struct pair *pair)
{
	log_event(LOG_INFO, event, KV_STR("key", name),
		  KV_STR("kind", key_kind_name(key_kind(pair->key))),
		  KV_U64("chain", pair->chain_length));
	if (pair->warning[0] != '\0')
		log_event(LOG_WARNING, "key.warning", KV_STR("key", name),
			  KV_STR("why", pair->warning));
}

int
vault_load_one(struct vault *vault, const char *name, vault_changed_fn *changed, void *arg,
	       struct error *err)
{
	struct vault_entry *entry = find(vault, name);
	struct pair *pair;

	if (entry != NULL)
		entry->seen = true;
	if ((pair = pair_load(vault->directory, name, vault->owner, err)) == NULL)
		return -1;
	refusals_clear(&vault->refusals, name);
	if (entry != NULL) {
		if (!replace(entry, pair))
			return 0;
		log_pair("key.replaced", name, entry->pair);
	} else {
		if ((entry = add(vault, name, pair, err)) == NULL) {
			pair_free(pair);
			return -1;
		}
		entry->seen = true;
		log_pair("key.loaded", name, pair);
	}
	if (changed != NULL)
		changed(entry, arg);
	return 0;
}

static bool
there(const struct vault *vault, const char *name, const char *suffix)
{
	char file[CERT_NAME_SIZE + 4];
	struct stat st;

	snprintf(file, sizeof(file), "%s%s", name, suffix);
	return fstatat(vault->directory, file, &st, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

/* A new key and its request, for an authority that has not answered yet. */
static bool
waits(const struct vault *vault, const char *name)
{
	return there(vault, name, ".csr") && !there(vault, name, ".crt") &&
	       !there(vault, name, ".pem");
}

void
vault_load_name(struct vault *vault, const char *name, vault_changed_fn *changed, void *arg)
{
	static const char unanswered[] =
	    "waits for an authority's answer: posternctl cert import FILE";
	struct error err;

	if (vault_load_one(vault, name, changed, arg, &err) == 0)
		return;
	if (waits(vault, name)) {
		refusals_set(&vault->refusals, name, unanswered);
		log_event(LOG_INFO, "key.waiting", KV_STR("key", name), KV_STR("text", unanswered));
		return;
	}
	refusals_set(&vault->refusals, name, err.text);
	if (find(vault, name) != NULL)
		log_event(LOG_ERR, "key.kept", KV_STR("key", name), KV_STR("why", err.text),
			  KV_STR("text", "the old one stays in force"));
	else
		log_event(LOG_ERR, "key.rejected", KV_STR("key", name), KV_STR("why", err.text));
}

/* A certificate alone is worth a line; so is a file that looks like a key and isn't one. */
static void
look_at_other(struct vault *vault, const char *file)
{
	static const char keyless[] =
	    "has a certificate, but no private key: put NAME.key beside it";
	static const char nameless[] = "not a name: rename it to " CERT_NAME_RULE;
	size_t length = strlen(file);
	char name[CERT_NAME_SIZE], key[CERT_KEPT_SIZE + 4];

	if (cert_name_from_file(file, ".crt", name, sizeof(name))) {
		if (!there(vault, name, ".key") && !there(vault, name, ".pem")) {
			refusals_set(&vault->refusals, name, keyless);
			log_event(LOG_WARNING, "key.rejected", KV_STR("key", name),
				  KV_STR("why", keyless));
		}
	} else if (file[0] != '.' && length > 4 && strcmp(file + length - 4, ".key") == 0) {
		strlcpy(key, file, length - 3 < sizeof(key) ? length - 3 : sizeof(key));
		if (cert_name_kept(key, name))
			return;
		refusals_set(&vault->refusals, file, nameless);
		log_event(LOG_WARNING, "key.rejected", KV_STR("file", file),
			  KV_STR("why", nameless));
	}
}

/* All in one file; but NAME.key, where it is, is read already. */
static void
load_pem(struct vault *vault, const char *name, vault_changed_fn *changed, void *arg)
{
	if (!there(vault, name, ".key"))
		vault_load_name(vault, name, changed, arg);
	else if (there(vault, name, ".crt"))
		log_event(LOG_WARNING, "key.warning", KV_STR("key", name),
			  KV_STR("why", "NAME.pem is not used, since NAME.key and NAME.crt are "
					"there: remove one or the other"));
}

static int
scan(struct vault *vault, vault_changed_fn *changed, void *arg, struct error *err)
{
	int fd = openat(vault->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd == -1 ? NULL : fdopendir(fd);
	char name[CERT_NAME_SIZE];
	struct dirent *entry;

	if (list == NULL) {
		error_errno(err, "reading the certs folder");
		if (fd != -1)
			close(fd);
		return -1;
	}
	while ((entry = readdir(list)) != NULL) {
		if (cert_name_from_file(entry->d_name, ".key", name, sizeof(name)))
			vault_load_name(vault, name, changed, arg);
		else if (cert_name_from_file(entry->d_name, ".pem", name, sizeof(name)))
			load_pem(vault, name, changed, arg);
		else
			look_at_other(vault, entry->d_name);
	}
	closedir(list);
	return 0;
}

int
vault_load(struct vault *vault, vault_changed_fn *changed, void *arg, struct error *err)
{
	static const char vanished[] = "its files are no longer in the certs folder";
	struct vault_entry *entry;

	if (file_check_folder(vault->directory, vault->owner, err) == -1)
		return -1;
	/* A full or read-only disk must not stop what needs only reading. */
	if (folder_recover(vault->directory, err) == -1)
		log_event(LOG_ERR, "folder.failed", KV_STR("why", err->text));
	RB_FOREACH (entry, vault_tree, &vault->tree)
		entry->seen = false;
	refusals_clear(&vault->refusals, NULL);
	if (scan(vault, changed, arg, err) == -1)
		return -1;
	RB_FOREACH (entry, vault_tree, &vault->tree) {
		if (entry->seen)
			continue;
		refusals_set(&vault->refusals, entry->name, vanished);
		log_event(LOG_WARNING, "key.kept", KV_STR("key", entry->name),
			  KV_STR("why", vanished),
			  KV_STR("text", "the old one stays in force until a restart"));
	}
	return 0;
}

void
vault_retire(struct vault *vault)
{
	struct vault_entry *entry;

	RB_FOREACH (entry, vault_tree, &vault->tree) {
		for (size_t i = 0; i < VAULT_PREVIOUS; i++) {
			struct vault_previous *previous = &entry->previous[i];

			if (previous->pair == NULL || previous->rounds++ == 0)
				continue;
			pair_free(previous->pair);
			previous->pair = NULL;
		}
	}
}
