/* SPDX-License-Identifier: ISC */
/* What a CC_CREATE says, checked. */
#include <string.h>

#include "certd/admin.h"
#include "certd/subject.h"
#include "common/cert_name.h"

#define DAYS_MAX 36500

/* A new key of a kind, or another certificate's. */
static bool
key_fits(const struct cc_create *create)
{
	if (create->other[0] != '\0')
		return create->key == 0 && cert_name_valid(create->other);
	if (create->key == CERT_KEY_RSA_1024)
		return (create->flags & CERT_CREATE_WEAK) != 0;
	return create->key >= CERT_KEY_RSA_2048 && create->key <= CERT_KEY_ED25519;
}

enum create_verdict
create_parse(const struct cc_create *create, const char *tail, size_t tail_length,
	     struct create_request *request, struct error *err)
{
	static const uint8_t zero[sizeof(create->subject.zero)];

	if (memchr(create->name, '\0', sizeof(create->name)) == NULL ||
	    memcmp(create->zero, zero, sizeof(create->zero)) != 0 ||
	    memcmp(create->subject.zero, zero, sizeof(zero)) != 0 ||
	    tail_length > CERT_NAMES_TAIL_MAX ||
	    (create->flags & ~(uint32_t)(CERT_CREATE_REPLACE | CERT_CREATE_WEAK)) != 0 ||
	    !key_fits(create))
		return CREATE_MALFORMED;
	memcpy(request->tail, tail, tail_length);
	request->tail[tail_length] = '\0';
	if (!names_split(request->tail, tail_length, create->count, request->names, SAN_MAX))
		return CREATE_MALFORMED;
	strlcpy(request->name, create->name, sizeof(request->name));
	strlcpy(request->other, create->other, sizeof(request->other));
	request->replace = (create->flags & CERT_CREATE_REPLACE) != 0;
	request->key = create->key;
	request->days = create->days;
	request->count = create->count;
	request->subject = create->subject;

	if (!cert_name_valid(request->name)) {
		error_set(err, "%s: not a name for a certificate: " CERT_NAME_RULE, request->name);
		return CREATE_REFUSED;
	}
	if (!subject_valid(&request->subject, err))
		return CREATE_REFUSED;
	if (request->days == 0 || request->days > DAYS_MAX) {
		error_set(err, "%u days: 1 to %d", request->days, DAYS_MAX);
		return CREATE_REFUSED;
	}
	for (size_t i = 0; i < request->count; i++) {
		if (san_parse(request->names[i], NULL, NULL) == SAN_INVALID) {
			error_set(err, "%s: neither a host name nor an IP address",
				  request->names[i]);
			return CREATE_REFUSED;
		}
	}
	return CREATE_OK;
}
