/* SPDX-License-Identifier: ISC */
#include "certd/subject.h"

#include <string.h>

#include "common/address.h"
#include "common/ascii.h"

#define FIELD(member, label, max, explain)                                      \
	{                                                                       \
#member, label, explain, offsetof(struct cert_subject, member), \
		    sizeof(((struct cert_subject *)0)->member), max             \
	}

const struct subject_field subject_fields[] = {
    FIELD(
	country, "Country", 2,
	"The two letters of your country, as in Internet domains (CH, DE, US). Mail programs only "
	"show it to who looks at the certificate. You may leave it empty."),
    FIELD(state, "State or province", 128,
	  "Your state, canton or province, in full. It is only shown. You may leave it empty."),
    FIELD(locality, "Locality", 128, "Your town. It is only shown. You may leave it empty."),
    FIELD(organization, "Organization", 64,
	  "The company, club or person that the server belongs to. Mail programs show it; an "
	  "authority may want proof of it, or leave it out. You may leave it empty."),
    FIELD(unit, "Unit", 64,
	  "A part of the organization, like \"Mail\". Hardly anybody uses it any more, and "
	  "authorities leave it out. Leave it empty if in doubt."),
    FIELD(
	common_name, "Common name", 64,
	"The server's host name once more. Programs of today look at the host names below instead; "
	"old ones, and people, look at this. Enter the name that mail programs connect to."),
    FIELD(email, "E-mail", 128,
	  "Whom to write to about this certificate. It is shown to everybody who connects. You may "
	  "leave it empty."),
    {NULL, NULL, NULL, 0, 0, 0},
};

char *
subject_at(struct cert_subject *subject, const struct subject_field *field)
{
	return (char *)subject + field->offset;
}

const char *
subject_get(const struct cert_subject *subject, const struct subject_field *field)
{
	return (const char *)subject + field->offset;
}

/* The bytes of the UTF-8 character (RFC 3629 4) that TEXT begins with; 0: none, or a control. */
static size_t
character(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	size_t more = c[0] >= 0xf0 ? 3 : c[0] >= 0xe0 ? 2 : 1;

	if (c[0] < 0x80)
		return c[0] >= ' ' && c[0] != 0x7f ? 1 : 0;
	if (c[0] < 0xc2 || c[0] > 0xf4)
		return 0;
	for (size_t i = 1; i <= more; i++) {
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((c[0] == 0xe0 && c[1] < 0xa0) || (c[0] == 0xed && c[1] > 0x9f) ||
	    (c[0] == 0xf0 && c[1] < 0x90) || (c[0] == 0xf4 && c[1] > 0x8f) ||
	    (c[0] == 0xc2 && c[1] < 0xa0))
		return 0;
	return more + 1;
}

static int
check_text(const struct subject_field *field, const char *text, struct error *err)
{
	size_t count = 0, step;

	for (const char *at = text; *at != '\0'; at += step, count++) {
		step = character(at);
		if (step == 0)
			return error_set(err, "%s: not UTF-8, or a control character in it",
					 field->label);
	}
	if (count > field->max)
		return error_set(err, "%s: %zu characters; %zu at most (RFC 5280)", field->label,
				 count, field->max);
	return 0;
}

static int
check_country(const char *text, struct error *err)
{
	for (size_t i = 0; i < 2; i++) {
		if (!ascii_is_lower(text[i]) && !ascii_is_upper(text[i]))
			return error_set(err, "Country %s: two letters, as CH or US", text);
	}
	return 0;
}

static int
check_email(const char *text, struct error *err)
{
	struct address address;
	enum address_error why = address_parse(text, strlen(text), &address);

	return why == ADDRESS_OK ? 0
				 : error_set(err, "E-mail %s: %s", text, address_error_text(why));
}

static int
check(const struct subject_field *field, const char *text, struct error *err)
{
	if (text[0] == '\0')
		return 0;
	if (check_text(field, text, err) == -1)
		return -1;
	if (field->offset == offsetof(struct cert_subject, country))
		return check_country(text, err);
	if (field->offset == offsetof(struct cert_subject, email))
		return check_email(text, err);
	return 0;
}

int
subject_set(struct cert_subject *subject, const struct subject_field *field, const char *text,
	    struct error *err)
{
	char *at = subject_at(subject, field);

	if (check(field, text, err) == -1)
		return -1;
	memset(at, 0, field->size);
	strlcpy(at, text, field->size);
	if (field->offset == offsetof(struct cert_subject, country)) {
		for (; *at != '\0'; at++) {
			if (ascii_is_lower(*at))
				*at = (char)(*at - 'a' + 'A');
		}
	}
	return 0;
}

bool
subject_valid(const struct cert_subject *subject, struct error *err)
{
	for (const struct subject_field *field = subject_fields; field->option != NULL; field++) {
		const char *text = subject_get(subject, field);

		if (memchr(text, '\0', field->size) == NULL) {
			error_set(err, "%s: does not end", field->label);
			return false;
		}
		if (check(field, text, err) == -1)
			return false;
	}
	return true;
}
