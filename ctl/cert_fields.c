/* SPDX-License-Identifier: ISC */
#include "ctl/cert_fields.h"

#include <stdlib.h>
#include <string.h>

#include <idn2.h>

#include "certd/subject.h"
#include "common/cert_name.h"

#define DAYS_MAX 36500

static const struct {
	const char *word;
	uint32_t kind;
} key_kinds[] = {
    {"rsa2048", CERT_KEY_RSA_2048}, {"rsa3072", CERT_KEY_RSA_3072}, {"rsa4096", CERT_KEY_RSA_4096},
    {"p256", CERT_KEY_P256},        {"p384", CERT_KEY_P384},        {"p521", CERT_KEY_P521},
    {"ed25519", CERT_KEY_ED25519},  {"rsa1024", CERT_KEY_RSA_1024},
};
#define KEY_KINDS (sizeof(key_kinds) / sizeof(key_kinds[0]))

const char *
cert_key_word(uint32_t kind)
{
	for (size_t i = 0; i < KEY_KINDS; i++) {
		if (key_kinds[i].kind == kind)
			return key_kinds[i].word;
	}
	return "";
}

uint32_t
cert_key_kind(const char *word)
{
	for (size_t i = 0; i < KEY_KINDS; i++) {
		if (strcmp(key_kinds[i].word, word) == 0)
			return key_kinds[i].kind;
	}
	return 0;
}

int
cert_fields_key(struct cert_fields *fields, const char *text, struct error *err)
{
	uint32_t kind = cert_key_kind(text);

	if (kind == CERT_KEY_RSA_1024 && (fields->create.flags & CERT_CREATE_WEAK) == 0)
		return error_set(err,
				 "key %s: too weak for anything but very old mail programs; "
				 "if that is what you want, say --weak",
				 text);
	if (kind == 0 && !cert_name_valid(text))
		return error_set(err,
				 "key %s: one of " CERT_KEY_WORDS ", or the name of the "
				 "certificate whose key is to be used again",
				 text);
	fields->create.key = kind;
	memset(fields->create.other, 0, sizeof(fields->create.other));
	if (kind == 0)
		strlcpy(fields->create.other, text, sizeof(fields->create.other));
	return 0;
}

int
cert_fields_days(struct cert_fields *fields, const char *text, struct error *err)
{
	const char *why;
	uint32_t days = (uint32_t)strtonum(text, 1, DAYS_MAX, &why);

	if (why != NULL)
		return error_set(err, "days %s: %s; 1 to %d", text, why, DAYS_MAX);
	fields->create.days = days;
	return 0;
}

static int
append_name(struct cert_fields *fields, const char *name, struct error *err)
{
	size_t size = strlen(name) + 1;

	if (san_parse(name, NULL, NULL) == SAN_INVALID)
		return error_set(err, "name %s: neither a host name nor an IP address", name);
	if (fields->create.count == SAN_MAX || size > sizeof(fields->tail) - fields->length)
		return error_set(err, "name %s: more than %d names", name, SAN_MAX);
	memcpy(fields->tail + fields->length, name, size);
	fields->length += size;
	fields->create.count++;
	return 0;
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text >= 0x80)
			return false;
	}
	return true;
}

int
cert_fields_name(struct cert_fields *fields, const char *text, struct error *err)
{
	char *labels;
	int result;

	if (is_ascii(text))
		return append_name(fields, text, err);
	result = idn2_to_ascii_8z(text, &labels, IDN2_NONTRANSITIONAL);
	if (result != IDN2_OK)
		return error_set(err, "name %s: %s", text, idn2_strerror(result));
	result = append_name(fields, labels, err);
	idn2_free(labels);
	return result;
}

int
cert_fields_names(struct cert_fields *fields, const char *text, struct error *err)
{
	struct cert_fields old = *fields;
	char *copy = strdup(text), *at = copy, *name;
	int result = 0;

	if (copy == NULL)
		return error_errno(err, "names");
	fields->length = 0;
	fields->create.count = 0;
	while (result == 0 && (name = strsep(&at, " ,\t")) != NULL) {
		if (*name != '\0')
			result = cert_fields_name(fields, name, err);
	}
	free(copy);
	if (result == 0 && fields->create.count == 0)
		result = error_set(err, "at least one host name is needed");
	if (result == -1)
		*fields = old;
	return result;
}

/*
 * -- Questions ------------------------------------------------------------------
 */

#define ANSWER_SIZE (CERT_NAMES_TAIL_MAX + 1)

struct question {
	const char *label;
	const char *explain;
	char shown[ANSWER_SIZE]; /* what Enter takes */
	bool optional;

	/* One of these takes the answer. */
	const struct subject_field *field;
	int (*set)(struct cert_fields *, const char *, struct error *);
};

static int
take(struct cert_fields *fields, const struct question *question, const char *answer,
     struct error *err)
{
	if (question->field != NULL)
		return subject_set(&fields->create.subject, question->field, answer, err);
	return question->set(fields, answer, err);
}

/* A line without its end. 0, or -1 with ERR filled. */
static int
read_answer(FILE *in, char answer[ANSWER_SIZE], struct error *err)
{
	size_t length;

	if (fgets(answer, ANSWER_SIZE, in) == NULL)
		return error_set(err, "no more answers: nothing has been made");
	length = strcspn(answer, "\n");
	while (length > 0 && (answer[length - 1] == ' ' || answer[length - 1] == '\t'))
		length--;
	answer[length] = '\0';
	return 0;
}

/* Until there is an answer that can be taken. */
static int
ask(struct cert_fields *fields, const struct question *question, FILE *in, FILE *out,
    struct error *err)
{
	char answer[ANSWER_SIZE];
	struct error wrong;

	for (;;) {
		fprintf(out, "%s [%s]: ", question->label, question->shown);
		fflush(out);
		if (read_answer(in, answer, err) == -1)
			return -1;
		if (strcmp(answer, "?") == 0) {
			fprintf(out, "  %s\n", question->explain);
			continue;
		}
		if (strcmp(answer, "-") == 0 && question->optional)
			answer[0] = '\0';
		else if (answer[0] == '\0')
			strlcpy(answer, question->shown, sizeof(answer));
		if (take(fields, question, answer, &wrong) == 0)
			return 0;
		fprintf(out, "  %s\n", wrong.text);
	}
}

static int
ask_subject(struct cert_fields *fields, FILE *in, FILE *out, struct error *err)
{
	struct question question = {.optional = true};

	for (const struct subject_field *f = subject_fields; f->option != NULL; f++) {
		question.label = f->label;
		question.explain = f->explain;
		question.field = f;
		strlcpy(question.shown, subject_get(&fields->create.subject, f),
			sizeof(question.shown));
		if (ask(fields, &question, in, out, err) == -1)
			return -1;
	}
	return 0;
}

static void
show_names(const struct cert_fields *fields, char out[ANSWER_SIZE])
{
	out[0] = '\0';
	for (size_t at = 0; at < fields->length; at += strlen(fields->tail + at) + 1) {
		if (at > 0)
			strlcat(out, " ", ANSWER_SIZE);
		strlcat(out, fields->tail + at, ANSWER_SIZE);
	}
}

static int
ask_rest(struct cert_fields *fields, FILE *in, FILE *out, struct error *err)
{
	struct question names = {
	    .label = "Host names",
	    .explain =
		"All names and addresses that mail programs are told to connect to, with blanks "
		"between. A name that is missing here is refused by them. *.example.org stands "
		"for all names directly below example.org.",
	    .set = cert_fields_names};
	struct question key = {
	    .label = "Key",
	    .explain =
		"rsa2048 works with every mail program there is; p256 is faster, and works with "
		"all of the last ten years. Also: rsa3072, rsa4096, p384, p521, and ed25519, which "
		"few mail programs know. The name of a certificate uses its key again.",
	    .set = cert_fields_key};
	struct question days = {
	    .label = "Days",
	    .explain = "How long the self-signed certificate is valid. An authority decides for "
		       "itself how long its own is. Some programs refuse more than 825.",
	    .set = cert_fields_days};

	show_names(fields, names.shown);
	strlcpy(key.shown,
		fields->create.other[0] != '\0' ? fields->create.other
						: cert_key_word(fields->create.key),
		sizeof(key.shown));
	snprintf(days.shown, sizeof(days.shown), "%u", fields->create.days);
	if (ask(fields, &names, in, out, err) == -1 || ask(fields, &key, in, out, err) == -1)
		return -1;
	return ask(fields, &days, in, out, err);
}

int
cert_fields_ask(struct cert_fields *fields, FILE *in, FILE *out, struct error *err)
{
	fputs("Enter takes what is in brackets, - leaves a field empty, ? explains it.\n", out);
	if (ask_subject(fields, in, out, err) == -1)
		return -1;
	return ask_rest(fields, in, out, err);
}
