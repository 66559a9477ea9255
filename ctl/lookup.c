/* SPDX-License-Identifier: ISC */
#include "config.h"

#include "ctl/lookup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/child.h"
#include "ctl/connect.h"
#include "ctl/ctl.h"
#include "master/resolvers.h"
#include "master/state.h"

/* ADDRESS or ADDRESS@PORT. */
static int
set_resolver(struct cl_settings *settings, const char *text, struct error *err)
{
	char address[RESOLVER_SIZE];
	const char *error = NULL, *at = strchr(text, '@');
	struct endpoint endpoint;
	size_t length = at != NULL ? (size_t)(at - text) : strlen(text);

	if (strlen(text) >= sizeof(address))
		return error_set(err, "%s: longer than any address", text);
	memcpy(address, text, length);
	address[length] = '\0';
	if (at != NULL)
		(void)strtonum(at + 1, 1, UINT16_MAX, &error);
	if (error != NULL || !endpoint_parse(address, 53, &endpoint))
		return error_set(err, "%s: neither an address nor ADDRESS@PORT", text);
	strlcpy(settings->resolvers[0], text, sizeof(settings->resolvers[0]));
	return 0;
}

/* Root's becomes relay's user, in an empty folder if there is one already. */
static void
set_identity(const struct configuration *conf, const struct conf_users *users,
	     struct mc_identity *identity)
{
	*identity = (struct mc_identity){.uid = users->uid[ROLE_RELAY],
					 .gid = users->gid[ROLE_RELAY],
					 .sandbox = (uint8_t)conf->sandbox,
					 .log_level = ctl_options.verbose ? LOG_INFO : LOG_ERR};
	state_path(conf, STATE_EMPTY, identity->root);
	identity->chroot = identity->uid != UINT32_MAX && access(identity->root, X_OK) == 0;
}

static int
start(struct lookup *lookup, const struct cl_settings *settings, struct error *err)
{
	const struct ipc_empty empty = {{0}};
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message message = {.fd = -1};
	int result = -1;

	if (buffer == NULL ||
	    ipc_send_fd(lookup->control, CL_SETTINGS, 0, settings, sizeof(*settings), NULL, 0,
			-1) == -1 ||
	    ipc_send_fd(lookup->control, MC_START, 0, &empty, sizeof(empty), NULL, 0, -1) == -1)
		error_errno(err, "starting postern-lookup");
	else
		result = ctl_receive(lookup->control, &ctl_lookup_boundary, buffer, &message, err);
	if (result == 0 && message.type != MC_READY)
		result = error_set(err, "postern-lookup did not start");
	free(buffer);
	return result;
}

int
lookup_open(const struct configuration *conf, const char *resolver, struct lookup *lookup,
	    struct error *err)
{
	struct conf_problems problems = {.count = 0};
	struct cl_settings settings;
	struct mc_identity identity;
	struct conf_users users;
	char program[PATH_MAX];
	struct child_spec spec = {
	    .program = program, .role = "lookup", .identity = &identity, .log_fd = STDERR_FILENO};
	int result;

	*lookup = (struct lookup){.control = -1, .pid = -1};
	memset(&settings, 0, sizeof(settings));
	if (resolver == NULL)
		resolvers_of(conf, settings.resolvers);
	else if (set_resolver(&settings, resolver, err) == -1)
		return -1;
	conf_find_users(conf, &users, &problems);
	result = problems.errors > 0 ? error_set(err, "%s", problems.list[0].text) : 0;
	conf_problems_free(&problems);
	if (result == -1)
		return -1;
	set_identity(conf, &users, &identity);
	snprintf(program, sizeof(program), "%s/postern-lookup", ctl_options.libexec);
	lookup->pid = child_spawn(&spec, &lookup->control, err);
	result = lookup->pid == -1 ? -1 : start(lookup, &settings, err);
	if (result == -1)
		lookup_close(lookup);
	return result;
}

void
lookup_close(struct lookup *lookup)
{
	if (lookup->control != -1)
		close(lookup->control); /* it ends then */
	while (lookup->pid > 0 && waitpid(lookup->pid, NULL, 0) == -1 && errno == EINTR)
		;
	*lookup = (struct lookup){.control = -1, .pid = -1};
}

uint32_t
lookup_send(struct lookup *lookup, const char *name, uint16_t type, struct error *err)
{
	struct cl_ask ask = {.type = type};

	strlcpy(ask.name, name, sizeof(ask.name));
	if (ipc_send_fd(lookup->control, CL_ASK, ++lookup->last_id, &ask, sizeof(ask), NULL, 0,
			-1) == -1) {
		error_errno(err, "asking postern-lookup");
		return 0;
	}
	return lookup->last_id;
}

/* Is the tail as many strings as it says? What is not printable would move a cursor. */
static bool
take_tail(const struct ipc_message *message, size_t count, char *out)
{
	size_t found = 0;

	for (size_t i = 0; i < message->tail_length; i++) {
		char c = message->tail[i];

		found += c == '\0';
		out[i] = (char)(c != '\0' && (c < 0x20 || c > 0x7e) ? '?' : c);
	}
	return found == count &&
	       (message->tail_length == 0 || out[message->tail_length - 1] == '\0');
}

uint32_t
lookup_receive(struct lookup *lookup, struct lookup_answer *answer, struct error *err)
{
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message message = {.fd = -1};
	const struct cl_answer *head;
	uint32_t id = 0;

	*answer = (struct lookup_answer){.status = LOOKUP_FAILED};
	if (buffer == NULL || (answer->tail = malloc(LOOKUP_TAIL_MAX + 1)) == NULL) {
		error_errno(err, "an answer");
	} else if (ctl_receive(lookup->control, &ctl_lookup_boundary, buffer, &message, err) == 0) {
		head = message.body;
		if (message.type != CL_ANSWER || message.id == 0 ||
		    head->status >= LOOKUP_STATUS_COUNT || head->secure > 1 ||
		    !take_tail(&message, head->count, answer->tail)) {
			error_set(err, "postern-lookup: an answer that can't be");
		} else {
			answer->status = (enum lookup_status)head->status;
			answer->secure = head->secure == 1;
			answer->count = head->count;
			id = message.id;
		}
	}
	free(buffer);
	if (id == 0)
		lookup_answer_free(answer);
	return id;
}

void
lookup_answer_free(struct lookup_answer *answer)
{
	free(answer->tail);
	answer->tail = NULL;
	answer->count = 0;
}
