/* SPDX-License-Identifier: ISC */
/* CC_AUDIT: what a key was used for. */
#include <stdio.h>
#include <string.h>

#include "certd/admin_internal.h"
#include "certd/gates.h"
#include "certd/relays.h"
#include "common/cert_name.h"

_Static_assert(CC_USE_OF_ENDED == GATE_ENDED && CC_USE_OF_OTHERS == GATE_OTHERS,
	       "told as they are");

struct telling {
	const struct admin *admin;
	uint32_t id;
	size_t told;
};

static void
tell(uint32_t gate, const struct use *use, void *arg)
{
	struct telling *telling = arg;
	const struct cc_use told = {
	    .since = telling->admin->admins->target->since,
	    .tls13 = use->total[USE_TLS13],
	    .tls12 = use->total[USE_TLS12],
	    .refused = use->total[USE_REFUSED],
	    .gate = gate,
	    .port = use->listener.port,
	    .service = use->listener.service,
	    .known = use->known,
	};

	(void)ipc_send(telling->admin->channel, CC_USE, telling->id, &told, NULL, 0, -1);
	telling->told++;
}

int
admin_audit(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct cc_audit *request = message->body;
	const struct admin *admin = context;
	const struct admin_target *target = admin->admins->target;
	struct telling telling = {.admin = admin, .id = message->id};
	const struct uses *uses;
	struct error err;

	(void)channel;
	if (message->id == 0 || request->zero[0] != 0 || request->zero[1] != 0 ||
	    request->zero[2] != 0 || !cert_name_valid(request->name))
		return -1;
	if (target->gates != NULL)
		gates_each_use(target->gates, request->name, tell, &telling);
	uses = target->relays == NULL ? NULL : relays_uses(target->relays, request->name);
	for (size_t i = 0; uses != NULL && i < uses->count; i++)
		tell(CC_USE_OF_RELAY, &uses->list[i], &telling);
	/* What has been removed may have been used. */
	if (telling.told > 0 || vault_find(target->vault, request->name) != NULL)
		return admin_result(admin, message->id, true, "");
	error_set(&err, "%s: there is no certificate of that name: posternctl cert list shows all",
		  request->name);
	return admin_result(admin, message->id, false, err.text);
}
