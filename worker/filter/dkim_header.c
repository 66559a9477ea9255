/* SPDX-License-Identifier: ISC */
#include "worker/filter/dkim_header.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "worker/filter/message_names.h"

bool
dkim_hash_field(EVP_MD_CTX *hash, enum dkim_canon canon, struct mime_text whole)
{
	char *canonical = malloc(whole.length + 2);

	if (canonical == NULL)
		return false;
	dkim_hash_add(hash, canonical, dkim_canon_field(canon, whole, canonical));
	free(canonical);
	return true;
}

bool
dkim_hash_own(EVP_MD_CTX *hash, enum dkim_canon canon, struct mime_text whole, struct mime_text b)
{
	size_t before = (size_t)(b.at - whole.at), behind = before + b.length, length;
	char *text = malloc(whole.length), *canonical = malloc(whole.length + 2);
	bool result = text != NULL && canonical != NULL;

	if (result) {
		/* If b= is the last, RAW may end before the blanks that the field ends with. */
		while (behind < whole.length && strchr(" \t\r\n", whole.at[behind]) != NULL &&
		       whole.at[behind] != '\0')
			behind++;
		memcpy(text, whole.at, before);
		memcpy(text + before, whole.at + behind, whole.length - behind);
		length = before + whole.length - behind;
		length = dkim_canon_field(canon, (struct mime_text){text, length}, canonical);
		dkim_hash_add(hash, canonical, length - 2);
	}
	free(text);
	free(canonical);
	return result;
}

/* A name that h= has: how many of its fields, the topmost ones, are not taken yet. */
struct taking {
	size_t first; /* in the message's names */
	size_t left;
};

struct takings {
	size_t count;
	struct taking list[DKIM_FIELDS_MAX];
};

/* The last field called NAME that is neither taken yet nor OWN. */
static const struct message_field *
take_last(const struct message *message, const struct message_field *own, struct mime_text name,
	  struct takings *takings)
{
	size_t first, found = message_named(message, name, &first), i = 0;
	struct taking *taking;

	if (found == 0)
		return NULL;
	while (i < takings->count && takings->list[i].first != first)
		i++;
	taking = &takings->list[i];
	if (i == takings->count) {
		*taking = (struct taking){first, found};
		takings->count++;
	}
	while (taking->left > 0) {
		const struct message_field *field = message->names[first + --taking->left];

		if (field != own)
			return field;
	}
	return NULL;
}

static bool
hash_fields(EVP_MD_CTX *hash, const struct message *message, const struct message_field *own,
	    const struct dkim_signature *signature)
{
	struct takings takings = {.count = 0};
	struct mime_text word;
	size_t at = 0, words = 0;

	while (dkim_next_word(&signature->fields, ':', &at, &word)) {
		const struct message_field *field;

		if (++words > DKIM_FIELDS_MAX) {
			errno = E2BIG;
			return false;
		}
		/* One that is not there is signed as that (5.4.2). */
		field = take_last(message, own, word, &takings);
		if (field != NULL && !dkim_hash_field(hash, signature->header, field->text.whole))
			return false;
	}
	return true;
}

bool
dkim_header_hash(const struct message *message, const struct message_field *own,
		 const struct dkim_signature *signature, uint8_t out[DKIM_HASH_SIZE])
{
	EVP_MD_CTX *hash = dkim_hash_begin();

	if (hash == NULL) {
		errno = ENOMEM;
		return false;
	}
	if (!hash_fields(hash, message, own, signature) ||
	    !dkim_hash_own(hash, signature->header, own->text.whole, signature->b)) {
		dkim_hash_drop(hash);
		return false;
	}
	dkim_hash_end(hash, out);
	return true;
}
