/* SPDX-License-Identifier: ISC */
/* posternctl cert import: files with a key, a certificate, its chain, in whatever form. */
#include <errno.h>
#include <fcntl.h>
#include <readpassphrase.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/cert_name.h"
#include "ctl/cert.h"
#include "ctl/ctl.h"
#include "ctl/options.h"
#include "ctl/secret_line.h"

#define ATTEMPTS 3 /* at one pass phrase */

struct import {
	struct cc_import request;
	const char *passphrase_file; /* NULL: somebody is asked */
	const struct cert_channel *channel;

	/* What certd wants next, from its last CC_DATA. */
	uint32_t wants; /* enum import_data; 0: nothing */
	unsigned attempt;
	char file[IMPORT_FILE_MAX + 1]; /* whose pass phrase */
	char name[CERT_NAME_SIZE];      /* what it has become */
};

static int
parse(int argc, char **argv, struct import *import)
{
	static const struct option table[] = {{"name", required_argument, NULL, 'n'},
					      {"passphrase-file", required_argument, NULL, 'p'},
					      {"force", no_argument, NULL, 'f'},
					      {"replace", no_argument, NULL, 'r'},
					      {NULL, 0, NULL, 0}};
	struct options options = {.table = table};
	struct error err;
	int option;

	while ((option = options_next(&options, argc, argv)) != -1) {
		if (option == 'n' && !cert_name_valid(optarg)) {
			error_set(&err, "%s: not a name for a certificate: must be " CERT_NAME_RULE,
				  optarg);
			return ctl_error(&err);
		}
		if (option == 'n')
			strlcpy(import->request.name, optarg, sizeof(import->request.name));
		else if (option == 'p')
			import->passphrase_file = optarg;
		else if (option == 'f')
			import->request.flags |= IMPORT_FORCE;
		else if (option == 'r')
			import->request.flags |= IMPORT_REPLACE;
		else
			return CTL_USAGE;
	}
	return optind < argc ? CTL_OK : CTL_USAGE;
}

static int
on_data(uint32_t kind, const char *bytes, size_t length, void *arg, struct error *err)
{
	struct import *import = arg;

	switch (kind) {
	case IMPORT_PASSPHRASE:
	case IMPORT_PASSPHRASE_WRONG:
		if (length >= sizeof(import->file))
			break;
		import->wants = kind;
		import->attempt = kind == IMPORT_PASSPHRASE ? 0 : import->attempt + 1;
		strlcpy(import->file, bytes, sizeof(import->file));
		return 0;
	case IMPORT_NAME:
		if (length >= sizeof(import->name))
			break;
		strlcpy(import->name, bytes, sizeof(import->name));
		return 0;
	default:
		break;
	}
	return error_set(err, "certd: an answer that was not asked for");
}

/*
 * -- Pass phrases ---------------------------------------------------------------
 */

/* The first line of the file. */
static int
read_file(const char *path, char *out, size_t size, struct error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), result = 0;

	if (fd == -1)
		return error_errno(err, "%s", path);
	if (secret_line(fd, out, size) == -1)
		result = errno == EMSGSIZE
			     ? error_set(err, "%s: the first line has more than %zu bytes", path,
					 size - 1)
			     : error_errno(err, "%s", path);
	close(fd);
	return result;
}

/* 1: OUT has one; 0: there is none (any more); -1: ERR says what is wrong. */
static int
get_passphrase(const struct import *import, char *out, size_t size, struct error *err)
{
	char prompt[IMPORT_FILE_MAX + 64];

	if (import->passphrase_file != NULL) {
		if (import->attempt > 0)
			return 0;
		return read_file(import->passphrase_file, out, size, err) == -1 ? -1 : 1;
	}
	if (import->attempt == ATTEMPTS)
		return 0;
	snprintf(prompt, sizeof(prompt),
		 "%sPass phrase of %s: ", import->attempt > 0 ? "That is not it. " : "",
		 import->file);
	/* Nobody to ask is no error here: certd says what is encrypted. */
	return readpassphrase(prompt, out, size, RPP_ECHO_OFF | RPP_REQUIRE_TTY) != NULL;
}

/*
 * -- Asking certd ---------------------------------------------------------------
 */

static int
give_file(const struct import *import, const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/'), *name = slash == NULL ? path : slash + 1;
	struct cert_request ask = {.type = CC_IMPORT_FILE, .tail = name};
	char text[CERT_TEXT_MAX + 1];
	int fd, result;

	ask.length = strnlen(name, IMPORT_FILE_MAX);
	if (ask.length == 0)
		return error_set(err, "%s: is a folder: name the files in it", path);
	/* Only opened: what is in it is read where no other key is (certd_importer.h). */
	if (strcmp(path, "-") == 0)
		fd = dup(STDIN_FILENO);
	else
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd == -1)
		return error_errno(err, "%s", path);
	ask.fd = fd;
	result = cert_ask(import->channel, &ask, text, err);
	close(fd);
	return result;
}

/* Until certd wants nothing more: then TEXT is its last word. */
static int
answer(struct import *import, char *text, struct error *err)
{
	char phrase[IMPORT_PASSPHRASE_MAX + 1];
	int result = 0;

	while (result == 0 && import->wants != 0) {
		struct cc_import_passphrase body = {.given = 0};
		struct cert_request ask = {.type = CC_IMPORT_PASSPHRASE,
					   .body = &body,
					   .size = sizeof(body),
					   .tail = phrase,
					   .fd = -1,
					   .on_data = on_data,
					   .arg = import};
		int got = get_passphrase(import, phrase, sizeof(phrase), err);

		if (got == -1) {
			result = -1;
			break;
		}
		body.given = (uint32_t)got;
		ask.length = got == 1 ? strlen(phrase) : 0;
		import->wants = 0;
		result = cert_ask(import->channel, &ask, text, err);
	}
	explicit_bzero(phrase, sizeof(phrase));
	return result;
}

static int
import_files(struct import *import, char **paths, char *text, struct error *err)
{
	const struct cert_request ask = {.type = CC_IMPORT,
					 .body = &import->request,
					 .size = sizeof(import->request),
					 .fd = -1,
					 .on_data = on_data,
					 .arg = import};

	for (; *paths != NULL; paths++) {
		if (give_file(import, *paths, err) == -1)
			return -1;
	}
	if (cert_ask(import->channel, &ask, text, err) == -1)
		return -1;
	return answer(import, text, err);
}

static void
print_result(const struct configuration *conf, const struct import *import, const char *text)
{
	printf("In %s:\n%s", conf->certs, text);
	if (!cert_is_configured(conf, import->name))
		printf("Next: say certificate = \"%s\" at a listener in %s%s.\n", import->name,
		       conf->path, import->channel->running ? ", then posternctl reload" : "");
	else if (import->channel->running)
		puts("The server uses it from now on.");
	else
		puts("The server uses it from its next start on.");
}

int
ctl_cert_import(int argc, char **argv)
{
	struct import import = {.wants = 0};
	struct configuration *conf;
	struct conf_users users;
	struct cert_channel channel;
	char text[CERT_TEXT_MAX + 1];
	struct error err;
	int result = parse(argc, argv, &import);

	if (result != CTL_OK)
		return result;
	if ((conf = cert_configuration(&users)) == NULL)
		return CTL_FAILED;
	import.channel = &channel;
	if (cert_channel_open(conf, &users, &channel, &err) == -1) {
		conf_free(conf);
		return ctl_error(&err);
	}
	result = import_files(&import, argv + optind, text, &err);
	if (result == 0)
		print_result(conf, &import, text);
	cert_channel_close(&channel);
	conf_free(conf);
	return result == 0 ? CTL_OK : ctl_error(&err);
}
