/* SPDX-License-Identifier: ISC */
#include "worker/filter/dkim_header.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* The last field called NAME that is not TAKEN yet. */
static struct message_field *
last_of(const struct message *message, struct mime_text name,
	const struct message_field *const *taken, size_t count)
{
	struct message_field *field;

	TAILQ_FOREACH_REVERSE(field, &message->fields, message_fields, entry)
	{
		bool wanted =
		    !field->added && name.length > 0 && field->text.name.length == name.length;

		for (size_t i = 0; i < count && wanted; i++)
			wanted = taken[i] != field;
		if (wanted && strncasecmp(field->text.name.at, name.at, name.length) == 0)
			return field;
	}
	return NULL;
}

static bool
hash_fields(EVP_MD_CTX *hash, const struct message *message, const struct message_field *own,
	    const struct dkim_signature *signature)
{
	const struct message_field *taken[DKIM_FIELDS_MAX + 1] = {own};
	struct mime_text word;
	size_t at = 0, count = 1, words = 0;

	while (dkim_next_word(&signature->fields, ':', &at, &word)) {
		const struct message_field *field = last_of(message, word, taken, count);

		if (++words > DKIM_FIELDS_MAX)
			return false;
		/* One that is not there is signed as that (5.4.2). */
		if (field == NULL)
			continue;
		taken[count++] = field;
		if (!dkim_hash_field(hash, signature->header, field->text.whole))
			return false;
	}
	return true;
}

bool
dkim_header_hash(const struct message *message, const struct message_field *own,
		 const struct dkim_signature *signature, uint8_t out[DKIM_HASH_SIZE])
{
	EVP_MD_CTX *hash = dkim_hash_begin();

	if (hash == NULL)
		return false;
	if (!hash_fields(hash, message, own, signature) ||
	    !dkim_hash_own(hash, signature->header, own->text.whole, signature->b)) {
		dkim_hash_drop(hash);
		return false;
	}
	dkim_hash_end(hash, out);
	return true;
}
