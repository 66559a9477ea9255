/* SPDX-License-Identifier: ISC */
/* A search program is copied, its words are folded, and its keys sorted by what they cost. */
#include "worker/session/imap/search.h"

#include <stdlib.h>
#include <string.h>

#include "common/mime/charset.h"
#include "common/mime/kept.h"
#include "common/mime/text.h"
#include "worker/session/imap/parse.h"
#include "worker/session/imap/search_private.h"

/* What is known of each key beforehand. */
static const struct {
	enum search_cost cost;
	unsigned want;
	bool folded;       /* text is words, in the command's charset */
	const char *field; /* the header field that it means */
} kinds[] = {
    [IMAP_KEY_KEYWORD] = {COST_ENTRY, STORE_WANT_KEYWORDS, false, NULL},
    [IMAP_KEY_SENTBEFORE] = {COST_SUMMARY, STORE_WANT_SUMMARY, false, NULL},
    [IMAP_KEY_SENTON] = {COST_SUMMARY, STORE_WANT_SUMMARY, false, NULL},
    [IMAP_KEY_SENTSINCE] = {COST_SUMMARY, STORE_WANT_SUMMARY, false, NULL},
    [IMAP_KEY_SAVEDBEFORE] = {COST_ENTRY, STORE_WANT_SAVEDATE, false, NULL},
    [IMAP_KEY_SAVEDON] = {COST_ENTRY, STORE_WANT_SAVEDATE, false, NULL},
    [IMAP_KEY_SAVEDSINCE] = {COST_ENTRY, STORE_WANT_SAVEDATE, false, NULL},
    [IMAP_KEY_EMAILID] = {COST_ENTRY, STORE_WANT_OBJECT, false, NULL},
    [IMAP_KEY_THREADID] = {COST_ENTRY, 0, false, NULL},
    [IMAP_KEY_HEADER] = {COST_HEADER, 0, true, NULL},
    [IMAP_KEY_FROM] = {COST_HEADER, 0, true, "from"},
    [IMAP_KEY_TO] = {COST_HEADER, 0, true, "to"},
    [IMAP_KEY_CC] = {COST_HEADER, 0, true, "cc"},
    [IMAP_KEY_BCC] = {COST_HEADER, 0, true, "bcc"},
    [IMAP_KEY_SUBJECT] = {COST_HEADER, 0, true, "subject"},
    [IMAP_KEY_BODY] = {COST_BODY, 0, true, NULL},
    [IMAP_KEY_TEXT] = {COST_BODY, 0, true, NULL},
};

struct making {
	struct imap_searcher *searcher;
	const struct imap_search_world *world;
	struct mime_charset charset;
};

static char *
copy(const char *bytes, size_t length)
{
	char *text = malloc(length + 1);

	if (text == NULL)
		return NULL;
	if (length > 0)
		memcpy(text, bytes, length);
	text[length] = '\0';
	return text;
}

/* The command's text as folded UTF-8. */
static int
fold_text(struct making *making, const struct imap_string *from, struct search_key *key)
{
	struct mime_charset charset = making->charset;
	struct mime_out utf8 = {0}, folded = {0};

	(void)mime_charset_convert(&charset, from->bytes, from->length, true, &utf8);
	mime_fold(utf8.at, utf8.length, &folded);
	if (!utf8.failed && !folded.failed) {
		key->text = copy(folded.at, folded.length);
		key->length = folded.length;
	}
	mime_out_free(&utf8);
	mime_out_free(&folded);
	return key->text == NULL ? -1 : 0;
}

static int
copy_set(struct making *making, const struct imap_search_node *node, struct search_key *key)
{
	const struct imap_search_world *world = making->world;
	const struct store_range *from = node->set.saved ? world->saved : node->set.ranges;
	size_t count = node->set.saved ? world->saved_count : node->set.count;
	struct imap_set set = {.count = count};

	/* `$` is kept as UIDs: numbers change, these don't. */
	if (node->set.saved)
		key->key = IMAP_KEY_UID;
	set.ranges = calloc(count + 1, sizeof(*set.ranges));
	if (set.ranges == NULL)
		return -1;
	if (count > 0)
		memcpy(set.ranges, from, count * sizeof(*from));
	if (!node->set.saved)
		imap_set_resolve(&set,
				 key->key == IMAP_KEY_UID ? world->max_uid : world->max_number);
	key->ranges = set.ranges;
	key->range_count = set.count;
	making->searcher->has_numbers |= node->key == IMAP_KEY_NUMBERS && !node->set.saved;
	return 0;
}

static int
copy_field(struct making *making, const char *field, struct search_key *key)
{
	struct mime_text name = {field, strlen(field)};

	if (mime_is_kept(name)) {
		key->cost = COST_KEPT;
		making->searcher->wants |= STORE_WANT_SUMMARY;
	}
	key->field = copy(field, name.length);
	return key->field == NULL ? -1 : 0;
}

static int copy_node(struct making *, const struct imap_search_node *, struct search_key *);

static int
compare_costs(const void *a, const void *b)
{
	const struct search_key *left = a, *right = b;

	return left->cost == right->cost ? 0 : left->cost < right->cost ? -1 : 1;
}

static int
copy_children(struct making *making, const struct imap_search_node *node, struct search_key *key)
{
	const struct imap_search_node *child;
	size_t count = 0;

	for (child = node->children; child != NULL; child = child->next)
		count++;
	key->children = calloc(count + 1, sizeof(*key->children));
	if (key->children == NULL)
		return -1;
	for (child = node->children; child != NULL; child = child->next) {
		struct search_key *new = &key->children[key->child_count++];

		if (copy_node(making, child, new) == -1)
			return -1;
		if (new->cost > key->cost)
			key->cost = new->cost;
	}
	qsort(key->children, key->child_count, sizeof(*key->children), compare_costs);
	return 0;
}

/* What a message's answer to is not the same for ever. */
static bool
changes(enum imap_search_key key)
{
	return key == IMAP_KEY_FLAG || key == IMAP_KEY_KEYWORD || key == IMAP_KEY_RECENT ||
	       key == IMAP_KEY_MODSEQ || key == IMAP_KEY_OLDER || key == IMAP_KEY_YOUNGER;
}

/* As deep as the parser lets it be (IMAP_SEARCH_DEPTH_MAX). */
static int
copy_node(struct making *making, const struct imap_search_node *node, struct search_key *key)
{
	bool known = (size_t)node->key < sizeof(kinds) / sizeof(*kinds);
	const char *field = node->field;

	*key = (struct search_key){.key = node->key,
				   .negated = node->negated,
				   .flag = node->flag,
				   .day = node->day,
				   .number = node->number};
	making->searcher->has_modseq |= node->key == IMAP_KEY_MODSEQ;
	making->searcher->can_change |= changes(node->key);
	if (node->key == IMAP_KEY_AND || node->key == IMAP_KEY_OR)
		return copy_children(making, node, key);
	if (node->key == IMAP_KEY_NUMBERS || node->key == IMAP_KEY_UID)
		return copy_set(making, node, key);
	if (!known)
		return 0;
	key->cost = kinds[node->key].cost;
	making->searcher->wants |= kinds[node->key].want;
	if (kinds[node->key].field != NULL)
		field = kinds[node->key].field;
	if (field != NULL && copy_field(making, field, key) == -1)
		return -1;
	if (kinds[node->key].folded)
		return fold_text(making, &node->text, key);
	if (node->text.bytes == NULL)
		return 0;
	key->text = copy(node->text.bytes, node->text.length);
	key->length = node->text.length;
	return key->text == NULL ? -1 : 0;
}

static int
add_word(struct imap_searcher *searcher, const char *text, size_t length)
{
	char *word;

	if (searcher->word_count == searcher->word_room) {
		size_t room = searcher->word_room == 0 ? 8 : searcher->word_room * 2;
		char **words = reallocarray(searcher->words, room, sizeof(*words));

		if (words == NULL)
			return -1;
		searcher->words = words;
		searcher->word_room = room;
	}
	word = copy(text, length);
	if (word == NULL)
		return -1;
	searcher->words[searcher->word_count++] = word;
	return 0;
}

/* "x-field:" is in each message that has the field; in lower case as all that is folded. */
static int
add_field(struct imap_searcher *searcher, const char *field)
{
	struct mime_out folded = {0};
	int result = -1;

	mime_fold(field, strlen(field), &folded);
	mime_out_char(&folded, ':');
	if (!folded.failed)
		result = add_word(searcher, folded.at, folded.length);
	mime_out_free(&folded);
	return result;
}

/* What must be there, whatever else: down through ANDs only. */
static int
collect_words(struct imap_searcher *searcher, const struct search_key *key)
{
	if (key->negated)
		return 0;
	if (key->key == IMAP_KEY_AND) {
		for (size_t i = 0; i < key->child_count; i++) {
			if (collect_words(searcher, &key->children[i]) == -1)
				return -1;
		}
		return 0;
	}
	if (key->cost < COST_KEPT || key->key == IMAP_KEY_OR)
		return 0;
	if (key->length > 0)
		return add_word(searcher, key->text, key->length);
	return key->field == NULL ? 0 : add_field(searcher, key->field);
}

enum imap_search_open
imap_searcher_new(const struct imap_search_node *program, const char *charset,
		  const struct imap_search_world *world, struct imap_searcher **searcher)
{
	struct making making = {.world = world};
	const char *name = charset == NULL ? "utf-8" : charset;

	*searcher = NULL;
	if (!mime_charset_open(&making.charset, (struct mime_text){name, strlen(name)}))
		return IMAP_SEARCH_BADCHARSET;
	making.searcher = calloc(1, sizeof(*making.searcher));
	if (making.searcher == NULL)
		return IMAP_SEARCH_NO_MEMORY;
	making.searcher->world = *world;
	making.searcher->world.saved = NULL;
	making.searcher->root = calloc(1, sizeof(*making.searcher->root));
	if (making.searcher->root == NULL ||
	    copy_node(&making, program, making.searcher->root) == -1 ||
	    collect_words(making.searcher, making.searcher->root) == -1) {
		imap_searcher_free(making.searcher);
		return IMAP_SEARCH_NO_MEMORY;
	}
	*searcher = making.searcher;
	return IMAP_SEARCH_OPEN;
}

static void
free_key(struct search_key *key)
{
	for (size_t i = 0; i < key->child_count; i++)
		free_key(&key->children[i]);
	free(key->children);
	free(key->ranges);
	free(key->field);
	free(key->text);
}

void
imap_searcher_free(struct imap_searcher *searcher)
{
	if (searcher == NULL)
		return;
	if (searcher->root != NULL)
		free_key(searcher->root);
	free(searcher->root);
	for (size_t i = 0; i < searcher->word_count; i++)
		free(searcher->words[i]);
	free(searcher->words);
	free(searcher);
}

void
imap_searcher_set_now(struct imap_searcher *searcher, int64_t now)
{
	searcher->world.now = now;
}

unsigned
imap_searcher_wants(const struct imap_searcher *searcher)
{
	return searcher->wants;
}

bool
imap_searcher_has_modseq(const struct imap_searcher *searcher)
{
	return searcher->has_modseq;
}

bool
imap_searcher_can_change(const struct imap_searcher *searcher)
{
	return searcher->can_change;
}

bool
imap_searcher_has_numbers(const struct imap_searcher *searcher)
{
	return searcher->has_numbers;
}

const char *const *
imap_searcher_words(const struct imap_searcher *searcher, size_t *count)
{
	*count = searcher->word_count;
	return (const char *const *)searcher->words;
}

bool
imap_searcher_uids(const struct imap_searcher *searcher, const struct store_range **ranges,
		   size_t *count)
{
	const struct search_key *root = searcher->root, *key = root;

	for (size_t i = 0; !root->negated && i < root->child_count; i++) {
		key = &root->children[i];
		if (root->key == IMAP_KEY_AND && key->key == IMAP_KEY_UID && !key->negated)
			break;
		key = root;
	}
	if (key->key != IMAP_KEY_UID || key->negated)
		return false;
	*ranges = key->ranges;
	*count = key->range_count;
	return true;
}
