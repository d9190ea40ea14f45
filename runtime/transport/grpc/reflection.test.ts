import { Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor/index.js';
import { expect, it } from 'vitest';
import { openGrpc, protos, type GrpcFixture, type Reply } from './grpc.fixture.ts';

/** Asks one thing of the reflection service of a version. */
async function ask(api: GrpcFixture, version: string, request: object): Promise<Reply> {
  const codec = protos.method<object, Reply>(
    'grpc.reflection.v1.ServerReflection',
    'ServerReflectionInfo',
  );
  const stream = api.client.makeBidiStreamRequest<object, Reply>(
    `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`,
    (message) => Buffer.from(codec.request.encode(message)),
    (bytes) => codec.response.decode(bytes),
    new Metadata(),
  );
  const answer = new Promise<Reply>((resolve, reject) => {
    stream.once('data', resolve);
    stream.once('error', reject);
  });
  stream.write(request);
  const reply = await answer;
  stream.end();
  return reply;
}

it('lists what is served, in both versions of the protocol', async () => {
  await using api = await openGrpc();
  for (const version of ['v1', 'v1alpha']) {
    const { listServicesResponse } = await ask(api, version, { listServices: '' });
    expect(listServicesResponse).toMatchObject({
      service: expect.arrayContaining([{ name: 'dapr.proto.runtime.v1.Dapr' }]) as object[],
    });
  }
});

it('gives descriptors with the names of the protos, and all that they import', async () => {
  await using api = await openGrpc();
  const { fileDescriptorResponse } = await ask(api, 'v1', {
    fileContainingSymbol: 'dapr.proto.runtime.v1.Dapr.GetState',
  });
  const { fileDescriptorProto } = fileDescriptorResponse as { fileDescriptorProto: Buffer[] };
  const file = fileDescriptorProto.map((bytes) => descriptor.FileDescriptorProto.decode(bytes));
  const { fromDescriptor } = protobuf.Root as unknown as {
    fromDescriptor(set: object): protobuf.Root;
  };
  const root = fromDescriptor(descriptor.FileDescriptorSet.create({ file } as object));
  expect(Object.keys(root.lookupService('dapr.proto.runtime.v1.Dapr').methods)).toContain(
    'SubscribeActorEventsAlpha1',
  );
  const fields = root.lookupType('dapr.proto.runtime.v1.GetStateRequest').fields;
  expect(fields['store_name']?.id).toBe(1);
  const none = await ask(api, 'v1', { fileByFilename: 'nope.proto' });
  expect(none['errorResponse']).toMatchObject({ errorCode: 5 });
});
