/* SPDX-License-Identifier: ISC */
#include "master/quota.h"

#include <stdlib.h>
#include <string.h>

#include "common/proto/master_accounts.h"
#include "common/proto/master_session.h"
#include "master/master.h"
#include "master/sessions.h"

#define ANSWER_SECONDS 30

/* By its name: while accounts looks, the process may end and another one take its place. */
struct question {
	struct master *master;
	char name[ADDRESS_SIZE];
};

static void
send_limits(struct process *session, const struct ma_quota *own)
{
	const struct configuration *conf = master_conf(session->master);
	struct ms_limits limits = {
	    .storage = own->storage != 0 ? own->storage : conf->quota,
	    .messages = own->messages != 0 ? own->messages : conf->quota_messages,
	};

	(void)ipc_send(session->control, MS_LIMITS, 0, &limits, NULL, 0, -1);
}

static int
on_quota(struct ipc_channel *channel, struct ipc_message *message, void *arg)
{
	struct question *question = arg;
	struct process *session = sessions_find(question->master, question->name);
	int result = 0;

	(void)channel;
	if (message != NULL && message->type != MA_QUOTA_IS)
		result = -1;
	else if (message != NULL && session != NULL && process_alive(session))
		send_limits(session, message->body);
	free(question);
	return result;
}

void
quota_tell(struct process *session, const char *name)
{
	struct master *m = session->master;
	struct process *accounts = m->accounts.process;
	struct question *question;

	send_limits(session, &(struct ma_quota){.storage = 0});
	if (accounts == NULL || !process_alive(accounts) || accounts->phase == PROCESS_DRAINING)
		return;
	question = calloc(1, sizeof(*question));
	if (question == NULL)
		return;
	question->master = m;
	strlcpy(question->name, name, sizeof(question->name));
	if (ipc_request(accounts->control, MA_QUOTA, NULL, name, strlen(name), -1, ANSWER_SECONDS,
			on_quota, question) == 0)
		free(question);
}
