/* SPDX-License-Identifier: ISC */
/* A request to certd: its progress, its pieces, its result. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/cert.h"
#include "ctl/connect.h"
#include "ctl/settings.h"

#define BAR 30 /* columns */

struct configuration *
cert_configuration(struct conf_users *users)
{
	struct conf_problems problems = {.count = 0};
	struct configuration *conf = conf_load(ctl_options.conf, &problems);

	if (conf != NULL)
		conf_find_users(conf, users, &problems);
	if (problems.errors > 0) {
		conf_free(conf);
		conf = NULL;
	}
	if (conf == NULL)
		conf_problems_print(&problems, stderr);
	conf_problems_free(&problems);
	return conf;
}

bool
cert_is_configured(const struct configuration *conf, const char *name)
{
	char *names = malloc(CERTD_NAMES_MAX), *at = names;
	size_t count, length;
	bool found = false;

	if (names == NULL)
		return false;
	count = conf_certificates(conf, names, &length);
	for (size_t i = 0; i < count && !found; i++) {
		found = strcmp(at, name) == 0;
		at += strlen(at) + 1;
	}
	free(names);
	for (size_t i = 0; i < conf->listener_count && !found; i++)
		found = conf->listeners[i].tls != TLS_NONE &&
			conf->listeners[i].certificates.count == 0 &&
			strcmp(conf->hostname, name) == 0;
	return found;
}

/* One line, drawn over again; only for somebody who looks at it. */
static void
show_progress(const struct ipc_message *message)
{
	const struct cc_progress *progress = message->body;
	int done = 0;

	if (isatty(STDERR_FILENO) != 1)
		return;
	fprintf(stderr, "\r\033[K%s", message->tail);
	if (progress->total > 0) {
		done = progress->done >= progress->total
			   ? BAR
			   : (int)((uint64_t)BAR * progress->done / progress->total);
		fprintf(stderr, " [%.*s%*s]", done, "##############################", BAR - done,
			"");
	} else {
		fputs(" ...", stderr);
	}
	fflush(stderr);
}

static void
clear_progress(void)
{
	if (isatty(STDERR_FILENO) == 1)
		fputs("\r\033[K", stderr);
}

/* 1: the next message, please; 0: the request has succeeded; -1: ERR says why it failed. */
static int
take(const struct cert_request *request, struct ipc_message *message, char *text, struct error *err)
{
	const struct cc_data *data = message->body;

	switch (message->type) {
	case CC_PROGRESS:
		show_progress(message);
		return 1;
	case CC_DATA:
		if (request->on_data == NULL)
			return error_set(err, "certd: an answer that was not asked for");
		return request->on_data(data->kind, message->tail, message->tail_length,
					request->arg, err) == -1
			   ? -1
			   : 1;
	case CC_FACTS:
	case CC_USE:
		if (request->on_item == NULL)
			return error_set(err, "certd: an answer that was not asked for");
		return request->on_item(message, request->arg, err) == -1 ? -1 : 1;
	case CC_RESULT:
		clear_progress();
		if (((const struct cc_result *)message->body)->ok == 0)
			return error_set(err, "%s", message->tail);
		strlcpy(text, message->tail, CERT_TEXT_MAX + 1);
		return 0;
	default:
		return error_set(err, "certd: an answer that was not asked for");
	}
}

int
cert_ask(const struct cert_channel *channel, const struct cert_request *request, char *text,
	 struct error *err)
{
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message message;
	int result = 1;

	if (buffer == NULL)
		return error_errno(err, "malloc");
	if (ipc_send_fd(channel->fd, request->type, 1, request->body, request->size, request->tail,
			request->length, request->fd) == -1)
		result = error_errno(err, "asking certd");
	while (result == 1) {
		result = ctl_receive(channel->fd, &ctl_certd_boundary, buffer, &message, err);
		if (result == 0)
			result = take(request, &message, text, err);
	}
	explicit_bzero(buffer, IPC_MESSAGE_MAX + 1);
	free(buffer);
	return result;
}

int
cert_ask_once(const struct configuration *conf, const struct conf_users *users,
	      const struct cert_request *request, char *text, struct error *err)
{
	struct cert_channel channel;
	int result;

	if (cert_channel_open(conf, users, &channel, err) == -1)
		return -1;
	result = cert_ask(&channel, request, text, err);
	cert_channel_close(&channel);
	return result;
}

static int
check_unused(const struct configuration *conf, const char *name, struct error *err)
{
	if (name == NULL || !cert_is_configured(conf, name))
		return 0;
	return error_set(err, "%s: a listener uses it: give that another certificate in %s first",
			 name, conf->path);
}

int
cert_command(const struct cert_request *request, const char *unused, FILE *out)
{
	char text[CERT_TEXT_MAX + 1] = "";
	struct configuration *conf;
	struct conf_users users;
	struct error err;
	int result;

	if ((conf = cert_configuration(&users)) == NULL)
		return CTL_FAILED;
	result = check_unused(conf, unused, &err);
	if (result == 0)
		result = cert_ask_once(conf, &users, request, text, &err);
	conf_free(conf);
	if (result != 0)
		return ctl_error(&err);
	if (text[0] != '\0')
		fprintf(out, "%s\n", text);
	return CTL_OK;
}
