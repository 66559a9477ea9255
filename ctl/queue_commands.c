/* SPDX-License-Identifier: ISC */
/* posternctl queue list, show, hold, release, retry, flush, remove. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/connect.h"
#include "ctl/ctl.h"
#include "ctl/options.h"
#include "ctl/queue.h"

/* -- Options ----------------------------------------------------------------------------------- */

struct arguments {
	struct queue_filter filter;
	bool json;
	bool all;
};

static const struct option table[] = {
    {"json", no_argument, NULL, 'j'},
    {"all", no_argument, NULL, 'a'},
    {"from", required_argument, NULL, 'f'},
    {"to", required_argument, NULL, 't'},
    {"held", no_argument, NULL, 'h'},
    {"waiting", no_argument, NULL, 'w'},
    {NULL, 0, NULL, 0},
};

/* All are neither some of them; nothing is held and waits. */
static const char *const exclusive[] = {"afthw", "hw", NULL};

/* ALLOWED: the first letters of the options that the command has. 0, or an exit status. */
static int
read_arguments(struct arguments *arguments, const char *allowed, int argc, char **argv)
{
	struct options options = {.table = table, .allowed = allowed, .exclusive = exclusive};
	struct error err;
	int option;

	while ((option = options_next(&options, argc, argv)) != -1) {
		switch (option) {
		case 'j':
			arguments->json = true;
			break;
		case 'a':
			arguments->all = true;
			break;
		case 'f':
			arguments->filter.from = optarg;
			break;
		case 't':
			arguments->filter.to = optarg;
			break;
		case 'h':
			arguments->filter.state = CQ_HELD;
			break;
		case 'w':
			arguments->filter.state = CQ_WAITING;
			break;
		default:
			return CTL_USAGE;
		}
	}
	if (arguments->all && optind < argc) {
		error_set(&err, "--all and an id exclude each other");
		(void)ctl_error(&err);
		return CTL_USAGE;
	}
	for (; optind < argc; optind++) {
		if (queue_filter_add(&arguments->filter, argv[optind], &err) == -1)
			return ctl_error(&err);
	}
	return 0;
}

/* -- list and show ----------------------------------------------------------------------------- */

int
ctl_queue_list(int argc, char **argv)
{
	struct arguments arguments = {0};
	int status = read_arguments(&arguments, "jfthw", argc, argv);

	return status != 0 ? status : queue_print(&arguments.filter, arguments.json, false);
}

int
ctl_queue_show(int argc, char **argv)
{
	struct arguments arguments = {0};
	int status = read_arguments(&arguments, "jfthw", argc, argv);

	if (status != 0)
		return status;
	return arguments.filter.count == 0 ? CTL_USAGE
					   : queue_print(&arguments.filter, arguments.json, true);
}

/* -- Changes --------------------------------------------------------------------------------------
 */

struct changing {
	struct cq_name *names;
	size_t count, room;
};

static int
collect(const struct queue_entry *entry, void *arg, struct error *err)
{
	struct changing *changing = arg;

	if (changing->count == changing->room) {
		size_t room = changing->room == 0 ? CQ_CHANGES_MAX : 2 * changing->room;
		struct cq_name *grown = reallocarray(changing->names, room, sizeof(*grown));

		if (grown == NULL)
			return error_errno(err, "the queue");
		changing->names = grown;
		changing->room = room;
	}
	changing->names[changing->count++] = entry->fixed.name;
	return 0;
}

/* Up to CQ_CHANGES_MAX of them; adds to *TOTAL. */
static int
change_some(int fd, enum cq_action action, const struct cq_name *names, size_t count,
	    struct cq_done *total, struct error *err)
{
	struct cq_change change = {.action = action, .count = (uint32_t)count};
	void *buffer = malloc(IPC_MESSAGE_MAX + 1);
	struct ipc_message message;
	const struct cq_done *done;
	int result = -1;

	if (buffer == NULL || ipc_send_fd(fd, CQ_CHANGE, 1, &change, sizeof(change),
					  (const char *)names, count * sizeof(*names), -1) == -1) {
		error_errno(err, "the queue");
	} else if (ctl_receive(fd, &ctl_queue_boundary, buffer, &message, err) == 0) {
		done = message.body;
		if (message.type != CQ_DONE)
			error_set(err, "the queue says what is no answer");
		else if (done->failed != 0)
			error_set(err, "the queue: %s", message.tail);
		else
			result = 0;
		if (result == 0) {
			total->count += done->count;
			total->busy += done->busy;
		}
	}
	free(buffer);
	return result;
}

static int
change(enum cq_action action, const struct queue_filter *filter, const char *what)
{
	struct changing changing = {0};
	struct cq_done total = {0};
	struct error err;
	int fd, result;

	if (queue_connect(&fd, &err) == -1)
		return ctl_error(&err);
	result = queue_each(fd, filter, collect, &changing, &err);
	for (size_t i = 0; result == 0 && i < changing.count; i += CQ_CHANGES_MAX) {
		size_t count = changing.count - i;

		result = change_some(fd, action, changing.names + i,
				     count < CQ_CHANGES_MAX ? count : CQ_CHANGES_MAX, &total, &err);
	}
	close(fd);
	free(changing.names);
	if (result == 0 && filter->count > 0 && changing.count == 0)
		result = error_set(&err, "nothing of that id is in the queue");
	if (result == -1)
		return ctl_error(&err);
	printf("%" PRIu32 " recipient%s %s\n", total.count, total.count == 1 ? "" : "s", what);
	if (total.busy > 0)
		printf("%" PRIu32 " left alone: being delivered now\n", total.busy);
	return CTL_OK;
}

static int
run(enum cq_action action, int argc, char **argv, const char *what)
{
	struct arguments arguments = {0};
	int status = read_arguments(&arguments, "afthw", argc, argv);
	const struct queue_filter *filter = &arguments.filter;

	if (status != 0)
		return status;
	/* All of them only if that is said. */
	if (!arguments.all && filter->count == 0 && filter->from == NULL && filter->to == NULL &&
	    filter->state == 0)
		return CTL_USAGE;
	return change(action, filter, what);
}

int
ctl_queue_hold(int argc, char **argv)
{
	return run(CQ_HOLD, argc, argv, "held");
}

int
ctl_queue_release(int argc, char **argv)
{
	return run(CQ_RELEASE, argc, argv, "released");
}

int
ctl_queue_retry(int argc, char **argv)
{
	return run(CQ_RETRY, argc, argv, "tried now");
}

int
ctl_queue_remove(int argc, char **argv)
{
	return run(CQ_REMOVE, argc, argv, "removed");
}

int
ctl_queue_flush(int argc, char **argv)
{
	static const struct queue_filter waiting = {.state = CQ_WAITING};

	(void)argv;
	return argc == 1 ? change(CQ_RETRY, &waiting, "tried now") : CTL_USAGE;
}
