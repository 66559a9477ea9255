/* SPDX-License-Identifier: ISC */
#include "verify/question.h"

#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/tree.h>

#define NUMBER_SIZE 24 /* with the trust, in hex, a common name may have (ub-common-name) */
#define COUNT (QUESTION_LIFE / QUESTION_EVERY + 1)

struct question {
	uint8_t number[NUMBER_SIZE];
	int64_t made;
	bool there;
};

struct seen {
	RB_ENTRY(seen) entry;
	TAILQ_ENTRY(seen) by_age;
	uint8_t digest[SEEN_SIZE];
	int64_t until;
};
RB_HEAD(seen_tree, seen);
TAILQ_HEAD(seen_list, seen);

struct questions {
	struct question list[COUNT];
	size_t latest;
	struct seen_tree seen;
	struct seen_list by_age;
	size_t count;
};

static int
seen_compare(const struct seen *a, const struct seen *b)
{
	return memcmp(a->digest, b->digest, SEEN_SIZE);
}

/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of a tree from which all is freed */
RB_GENERATE_INTERNAL(seen_tree, seen, entry, seen_compare, static __attribute__((unused)))

struct questions *
questions_new(void)
{
	struct questions *q = calloc(1, sizeof(*q));

	if (q == NULL)
		return NULL;
	RB_INIT(&q->seen);
	TAILQ_INIT(&q->by_age);
	return q;
}

static void
forget(struct questions *q, struct seen *one)
{
	RB_REMOVE(seen_tree, &q->seen, one);
	TAILQ_REMOVE(&q->by_age, one, by_age);
	q->count--;
	free(one);
}

void
questions_free(struct questions *q)
{
	struct seen *one;

	if (q == NULL)
		return;
	while ((one = TAILQ_FIRST(&q->by_age)) != NULL)
		forget(q, one);
	free(q);
}

/* Its number is never asked with again once a proof of it may be forgotten. */
static void
forget_old(struct questions *q, int64_t now)
{
	struct seen *one;

	/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it loses track of the list */
	while ((one = TAILQ_FIRST(&q->by_age)) != NULL && one->until < now)
		forget(q, one);
}

void
questions_turn(struct questions *q, int64_t now)
{
	struct question *next;

	q->latest = (q->latest + 1) % COUNT;
	next = &q->list[q->latest];
	arc4random_buf(next->number, sizeof(next->number));
	next->made = now;
	next->there = true;
	forget_old(q, now);
}

static size_t
name_of(const struct question *question, uint32_t trust, uint8_t out[QUESTION_NAME_MAX])
{
	char text[NUMBER_SIZE * 2 + 9];
	unsigned char *at = out;
	X509_NAME *name = X509_NAME_new();
	int length = 0;

	for (size_t i = 0; i < NUMBER_SIZE; i++)
		snprintf(text + 2 * i, 3, "%02x", question->number[i]);
	snprintf(text + (size_t)NUMBER_SIZE * 2, 9, "%08x", trust);
	if (name != NULL &&
	    X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_ASC,
				       (const unsigned char *)text, -1, -1, 0) == 1 &&
	    i2d_X509_NAME(name, NULL) <= QUESTION_NAME_MAX)
		length = i2d_X509_NAME(name, &at);
	X509_NAME_free(name);
	return length > 0 ? (size_t)length : 0;
}

size_t
question_name(const struct questions *q, uint32_t trust, uint8_t out[QUESTION_NAME_MAX])
{
	const struct question *latest = &q->list[q->latest];

	return latest->there ? name_of(latest, trust, out) : 0;
}

bool
question_answered(const struct questions *q, const struct proof *proof, uint32_t trust, int64_t now)
{
	for (size_t i = 0; i < COUNT; i++) {
		const struct question *one = &q->list[i];
		uint8_t name[QUESTION_NAME_MAX];
		size_t length;

		if (!one->there || now - one->made > QUESTION_LIFE)
			continue;
		length = name_of(one, trust, name);
		if (length > 0 && proof_has_name(proof, name, length))
			return true;
	}
	return false;
}

const char *
question_use(struct questions *q, const uint8_t digest[SEEN_SIZE], int64_t now, bool *later)
{
	struct seen *one;

	*later = true;
	forget_old(q, now);
	if (q->count >= SEEN_MAX)
		return "too many proofs in these minutes";
	one = calloc(1, sizeof(*one));
	if (one == NULL)
		return "out of memory";
	memcpy(one->digest, digest, SEEN_SIZE);
	/* The question may be as young as now. */
	one->until = now + QUESTION_LIFE;
	if (RB_INSERT(seen_tree, &q->seen, one) != NULL) {
		free(one);
		*later = false;
		return "this proof has been used before";
	}
	TAILQ_INSERT_TAIL(&q->by_age, one, by_age);
	q->count++;
	return NULL;
}
