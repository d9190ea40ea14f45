"""The scenarios by Dapr's Python SDK; its app side is FastAPI."""

import asyncio
import json
import os
import queue
import threading
import time
import urllib.request
from datetime import timedelta

import uvicorn
from dapr.actor import Actor, ActorId, ActorInterface, ActorProxy, Remindable, actormethod
from dapr.actor.runtime.config import ActorRuntimeConfig
from dapr.actor.runtime.runtime import ActorRuntime
from dapr.clients import DaprClient
from dapr.clients.grpc._crypto import DecryptOptions, EncryptOptions
from dapr.clients.grpc._request import (
    BulkPublishEntry,
    TransactionalStateOperation,
    TransactionOperationType,
)
from dapr.clients.grpc._response import TopicEventResponse, UnlockResponseStatus
from dapr.clients.grpc._state import Concurrency, StateOptions
from dapr.clients.grpc._jobs import Job
from dapr.ext.fastapi import DaprActor, DaprApp
from fastapi import FastAPI, Request
from google.protobuf.any_pb2 import Any as GrpcAny

HTTP_PORT = os.environ['DAPR_HTTP_PORT']
FIRST_WRITE = StateOptions(concurrency=Concurrency.first_write)
WAIT_SECONDS = 20

arrived = {name: queue.Queue() for name in ('order', 'tick', 'job', 'timer', 'reminder')}


def say(**line):
    print(json.dumps(line), flush=True)


def next_of(name):
    return arrived[name].get(timeout=WAIT_SECONDS)


class CounterInterface(ActorInterface):
    @actormethod(name='Add')
    async def add(self, by: int) -> int: ...

    @actormethod(name='StartTimer')
    async def start_timer(self) -> None: ...

    @actormethod(name='StartReminder')
    async def start_reminder(self) -> None: ...


class Counter(Actor, CounterInterface, Remindable):
    async def add(self, by: int) -> int:
        _, before = await self._state_manager.try_get_state('count')
        count = (before or 0) + by
        await self._state_manager.set_state('count', count)
        return count

    async def start_timer(self) -> None:
        soon = timedelta(milliseconds=100)
        await self.register_timer('timer', self.on_timer, 'from timer', soon, soon)

    async def on_timer(self, data) -> None:
        await self.unregister_timer('timer')
        arrived['timer'].put(data)

    async def start_reminder(self) -> None:
        soon, later = timedelta(milliseconds=100), timedelta(seconds=1)
        await self.register_reminder('reminder', b'from reminder', soon, later)

    async def receive_reminder(self, name, state, due_time, period, ttl=None) -> None:
        await self.unregister_reminder('reminder')
        arrived['reminder'].put(state)


app = FastAPI()
dapr_app = DaprApp(app)
actors = DaprActor(app)


@dapr_app.subscribe(pubsub='pubsub', topic='orders', route='/orders')
async def on_order(request: Request):
    arrived['order'].put((await request.json())['data'])


@app.post('/tick')
async def on_tick():
    arrived['tick'].put(True)


@app.post('/echo')
async def echo(request: Request):
    return {'echo': await request.json()}


@app.post('/job/remember')
async def on_job(request: Request):
    arrived['job'].put(await request.json())


@app.on_event('startup')
async def register_actors():
    ActorRuntime.set_actor_config(ActorRuntimeConfig())
    await actors.register_actor(Counter)


def call(actor_id, method, argument=None):
    """Each call has an event loop of its own, as a script has."""

    async def go():
        proxy = ActorProxy.create('Counter', ActorId(actor_id), CounterInterface)
        bound = getattr(proxy, method)
        return await (bound() if argument is None else bound(argument))

    return asyncio.run(go())


def refused(action):
    try:
        action()
    except Exception:
        return True
    return False


def state(dapr):
    dapr.save_state('store', 'a', json.dumps({'n': 1}))
    assert dapr.get_state('store', 'a').json() == {'n': 1}
    dapr.delete_state('store', 'a')
    assert dapr.get_state('store', 'a').data == b''


def state_etag(dapr):
    dapr.save_state('store', 'e', 'one')
    etag = dapr.get_state('store', 'e').etag
    dapr.save_state('store', 'e', 'two', etag=etag, options=FIRST_WRITE)
    assert refused(lambda: dapr.save_state('store', 'e', 'x', etag=etag, options=FIRST_WRITE))
    assert dapr.get_state('store', 'e').data == b'two'
    assert refused(lambda: dapr.delete_state('store', 'e', etag=etag, options=FIRST_WRITE))
    now = dapr.get_state('store', 'e').etag
    dapr.delete_state('store', 'e', etag=now, options=FIRST_WRITE)


def state_transaction(dapr):
    dapr.save_state('store', 't1', 'old')
    delete = TransactionOperationType.delete
    dapr.execute_state_transaction(
        'store',
        [
            TransactionalStateOperation('t1', '', operation_type=delete),
            TransactionalStateOperation('t2', 'new'),
        ],
    )
    assert dapr.get_state('store', 't1').data == b''
    assert dapr.get_state('store', 't2').data == b'new'


def state_bulk(dapr):
    dapr.save_state('store', 'b1', 'one')
    dapr.save_state('store', 'b2', 'two')
    items = dapr.get_bulk_state('store', ['b1', 'b2', 'none'], parallelism=2).items
    found = {item.key: item.data for item in items}
    assert found == {'b1': b'one', 'b2': b'two', 'none': b''}, found


def publish(dapr):
    order = json.dumps({'id': 7})
    dapr.publish_event('pubsub', 'orders', order, data_content_type='application/json')
    assert next_of('order') == {'id': 7}


def publish_bulk(dapr):
    entries = [
        BulkPublishEntry(json.dumps({'id': number}), content_type='application/json')
        for number in (8, 9)
    ]
    assert dapr.publish_events('pubsub', 'orders', entries).failed_entries == []
    assert sorted(next_of('order')['id'] for _ in entries) == [8, 9]


def subscribe_stream(dapr):
    seen = queue.Queue()

    def handle(message):
        seen.put(message.data())
        return TopicEventResponse('success')

    close = dapr.subscribe_with_handler('pubsub', 'streamed', handle)
    dapr.publish_event('pubsub', 'streamed', '{"id": 10}', data_content_type='application/json')
    assert seen.get(timeout=WAIT_SECONDS) == {'id': 10}
    close()


def invoke(dapr):
    answer = dapr.invoke_method('sdk', 'echo', json.dumps({'say': 'hi'}), http_verb='POST')
    assert answer.json() == {'echo': {'say': 'hi'}}


def actor_call(_dapr):
    assert call('call', 'Add', 2) == 2


def actor_state(_dapr):
    assert call('state', 'Add', 2) == 2
    assert call('state', 'Add', 3) == 5


def actor_timer(_dapr):
    call('timer', 'StartTimer')
    assert next_of('timer') == 'from timer'


def actor_reminder(_dapr):
    call('reminder', 'StartReminder')
    assert next_of('reminder') == b'from reminder'


def secret(dapr):
    assert dapr.get_secret('secrets', 'password').secret == {'password': 'open sesame'}
    assert dapr.get_bulk_secret('secrets').secrets == {
        'password': {'password': 'open sesame'},
        'user': {'user': 'ali'},
    }


def configuration(dapr):
    item = dapr.get_configuration('config', ['colour']).items['colour']
    assert (item.value, item.version) == ('blue', '1')


def configuration_subscribe(dapr):
    seen = queue.Queue()
    subscription = dapr.subscribe_configuration(
        'config', ['colour'], lambda _id, change: seen.put(change.items['colour'].value)
    )
    say(ask='change')
    assert seen.get(timeout=WAIT_SECONDS).startswith('shade ')
    assert dapr.unsubscribe_configuration('config', subscription)


def lock(dapr):
    assert dapr.try_lock('lock', 'till', 'ann', 60).success
    assert not dapr.try_lock('lock', 'till', 'bob', 60).success
    statuses = [dapr.unlock('lock', 'till', owner).status for owner in ('bob', 'ann', 'ann')]
    assert statuses == [
        UnlockResponseStatus.lock_belongs_to_others,
        UnlockResponseStatus.success,
        UnlockResponseStatus.lock_does_not_exist,
    ], statuses


def job(dapr):
    data = GrpcAny(
        type_url='type.googleapis.com/google.type.Expr', value=json.dumps({'what': 'tea'}).encode()
    )
    dapr.schedule_job(Job(name='remember', due_time='1s', data=data))
    assert dapr.get_job('remember').name == 'remember'
    assert next_of('job') is not None
    dapr.schedule_job(Job(name='forget', due_time='1h'))
    dapr.delete_job('forget')
    assert refused(lambda: dapr.get_job('forget'))


def crypto(dapr):
    options = EncryptOptions(component_name='keys', key_name='key', key_wrap_algorithm='A256KW')
    sealed = dapr.encrypt(b'a secret', options).read()
    assert b'a secret' not in sealed
    opened = dapr.decrypt(sealed, DecryptOptions(component_name='keys', key_name='key')).read()
    assert opened == b'a secret'


def output_binding(dapr):
    metadata = {'fileName': 'note.txt'}
    dapr.invoke_binding('files', 'create', 'a note', binding_metadata=metadata)
    assert dapr.invoke_binding('files', 'get', '', binding_metadata=metadata).data == b'a note'


def input_binding(_dapr):
    next_of('tick')


def metadata(dapr):
    dapr.set_metadata('colour', 'red')
    found = dapr.get_metadata()
    assert found.application_id == 'sdk'
    assert len(found.registered_components) >= 7
    assert found.extended_metadata['colour'] == 'red'


SCENARIOS = [
    *[state, state_etag, state_transaction, state_bulk, publish, publish_bulk, subscribe_stream],
    *[invoke, actor_call, actor_state, actor_timer, actor_reminder, secret, configuration],
    *[configuration_subscribe, lock, job, crypto, output_binding, input_binding, metadata],
]


def healthy():
    try:
        with urllib.request.urlopen(f'http://127.0.0.1:{HTTP_PORT}/v1.0/healthz', timeout=2) as got:
            return got.status == 204
    except OSError:
        return False


config = uvicorn.Config(app, port=int(os.environ['APP_PORT']), log_level='warning')
threading.Thread(target=uvicorn.Server(config).run, daemon=True).start()
while not healthy():
    time.sleep(0.05)
with DaprClient() as client:
    for scenario in SCENARIOS:
        name = scenario.__name__.replace('_', '-')
        try:
            scenario(client)
            say(scenario=name, ok=True)
        except Exception as error:
            say(scenario=name, ok=False, error=repr(error))
os._exit(0)
