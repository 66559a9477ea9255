/* SPDX-License-Identifier: ISC */
/* Who wants to speak with a mailbox's process: answered at once, or kept until it is there. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/proto/master_accounts.h"
#include "common/proto/master_queue.h"
#include "master/control.h"
#include "master/master.h"
#include "master/parked.h"
#include "master/session_private.h"

#define WAITING_MAX 1000 /* requests a mailbox, while its process starts or ends */

/* Who asks, what for, and how it is answered. */
static const struct {
	uint16_t attached, failed;
	int stream; /* SOCK_: what the two ends are */
} kinds[ATTACH_COUNT] = {
    [ATTACH_CONNECTION] = {MA_ATTACHED, MA_ATTACH_FAILED, SOCK_STREAM},
    [ATTACH_DELIVERY] = {MQ_ATTACHED, MQ_ATTACH_FAILED, SOCK_SEQPACKET},
    [ATTACH_ADMINISTRATION] = {CM_CHANNEL, CM_RESULT, SOCK_STREAM},
};

/* The channel of who asked, if he is still there. */
static struct ipc_channel *
asker_of(const struct master *m, const struct attach *a)
{
	struct process *p = a->kind == ATTACH_CONNECTION ? m->accounts.process : m->queue.process;

	if (a->kind == ATTACH_ADMINISTRATION)
		return control_channel(m, a->asker);
	return p != NULL && p->number == a->asker ? p->control : NULL;
}

static void
answer_failed(struct master *m, const struct attach *a, const char *reason)
{
	struct ipc_channel *asker = asker_of(m, a);
	static const struct cm_result refused = {.ok = 0};
	const void *body = a->kind == ATTACH_ADMINISTRATION ? &refused : NULL;

	if (asker != NULL)
		(void)ipc_send(asker, kinds[a->kind].failed, a->request, body, reason,
			       strnlen(reason, REASON_MAX), -1);
}

void
session_refuse(struct master *m, const struct attach *a, const char *name, const char *reason)
{
	log_event(LOG_ERR, "session.failed", KV_STR("mailbox", name), KV_STR("why", reason));
	answer_failed(m, a, reason);
}

static int
send_to_session(const struct session *s, const struct attach *a, int fd)
{
	struct ipc_channel *control = s->process->control;
	struct ms_checkup checkup = {.purpose = a->purpose};

	if (a->kind == ATTACH_DELIVERY)
		return ipc_send(control, MS_DELIVERY, 0, NULL, NULL, 0, fd);
	if (a->purpose != MAILBOX_MAIL)
		return ipc_send(control, MS_CHECKUP, 0, &checkup, NULL, 0, fd);
	return ipc_send(control, MS_CONNECTION, 0, &a->connection, NULL, 0, fd);
}

void
session_hand_over(struct master *m, struct session *s, const struct attach *a)
{
	struct ipc_channel *asker = asker_of(m, a);
	struct error err;
	int sv[2], sent;

	if (asker == NULL)
		return;
	if (socketpair(AF_UNIX, kinds[a->kind].stream | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) ==
	    -1) {
		error_errno(&err, "making a socketpair");
		session_refuse(m, a, s->name, err.text);
		return;
	}
	sent = send_to_session(s, a, sv[0]);
	s->sent++;
	if (sent == -1)
		session_refuse(m, a, s->name, "its session process has just died");
	else
		(void)ipc_send(asker, kinds[a->kind].attached, a->request, NULL, NULL, 0, sv[1]);
	close(sv[0]);
	close(sv[1]);
}

void
session_resume_parked(struct master *m, struct session *s)
{
	struct ms_parked state;
	int fd;

	while (s->process->control != NULL && (fd = parked_take(m, s->name, &state)) != -1) {
		(void)ipc_send(s->process->control, MS_RESUME, 0, &state, NULL, 0, fd);
		s->sent++;
		close(fd);
	}
}

int
session_wait(struct session *s, const struct attach *a)
{
	struct attach *copy;

	if (s->waiting_count >= WAITING_MAX)
		return -1;
	copy = malloc(sizeof(*copy));
	if (copy == NULL)
		return -1;
	*copy = *a;
	STAILQ_INSERT_TAIL(&s->waiting, copy, entry);
	s->waiting_count++;
	return 0;
}

struct attach *
session_next_waiting(struct session *s)
{
	struct attach *a = STAILQ_FIRST(&s->waiting);

	if (a == NULL)
		return NULL;
	STAILQ_REMOVE_HEAD(&s->waiting, entry);
	s->waiting_count--;
	return a;
}

void
session_refuse_waiting(struct master *m, struct session *s, const char *reason)
{
	struct attach *a;

	while ((a = session_next_waiting(s)) != NULL) {
		session_refuse(m, a, s->name, reason);
		free(a);
	}
}
