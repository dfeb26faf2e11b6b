using Amazon.S3.Model;
using OrleansLake.Iceberg;
using OrleansLake.Testing;
using OrleansLake.Testing.Aws;
using OrleansLake.Testing.Iceberg;

namespace OrleansLake.Aws.Tests.S3;

public sealed class S3StoreTests(AwsStand stand)
{
    private const int Part = S3StoreOptions.LeastPartBytes;

    public static TheoryData<string> Cases => [.. ConformanceSuite.CasesOf<ObjectStoreConformance>()];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task S3_is_a_store(string name)
    {
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store();
        await new ObjectStoreConformance(store, $"s3://{bucket}/warehouse").RunAsync(name);
    }

    [Fact]
    public async Task Locations_of_Hadoops_clients_are_the_same_objects()
    {
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store();
        Assert.True(await store.TryCreateAsync($"s3a://{bucket}/db/t/a", new byte[] { 1 }, default));
        Assert.Equal(1, await store.GetSizeAsync($"s3n://{bucket}/db/t/a", default));
        Assert.Equal([$"s3a://{bucket}/db/t/a"], await ListAsync(store, $"s3a://{bucket}/db/"));
        Assert.Equal([$"s3://{bucket}/db/t/a"], await ListAsync(store, $"s3://{bucket}/"));
        var wrong = await Assert.ThrowsAsync<ArgumentException>(() => store.ReadAsync("/local/file", default));
        Assert.Contains("s3://bucket/key", wrong.Message);
    }

    [Fact]
    public async Task A_large_object_goes_up_in_parts_with_checksums_while_it_is_written()
    {
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store(options => options with { PartSizeBytes = Part });
        string location = $"s3://{bucket}/large";
        byte[] content = RandomBytes((3 * Part) + 12345);
        int before = stand.S3.Requests.Count;
        await using (var writer = store.OpenWrite(location))
        {
            for (int at = 0; at < content.Length; at += 300_000)
            {
                writer.Write(content.AsSpan(at, Math.Min(300_000, content.Length - at)));
            }

            // What is full is on its way before the end is known.
            Assert.Contains(Since(before, bucket), request => request.HasQuery("uploads"));
            await writer.CompleteAsync(default);
        }

        Assert.Equal(content, (await store.ReadAsync(location, default)).ToArray());
        Assert.Equal(content.AsSpan(Part - 10, 20).ToArray(), (await store.ReadRangeAsync(location, Part - 10, 20, default)).ToArray());
        var parts = Since(before, bucket).Where(request => request.Method == "PUT" && request.HasQuery("partNumber")).ToList();
        Assert.Equal(4, parts.Count);
        Assert.All(parts, part => Assert.Equal(Crc32C.HeaderOf(part.Body), part.Headers["x-amz-checksum-crc32c"]));
        Assert.All(parts, part => Assert.False(part.Headers.ContainsKey("x-amz-trailer")));
    }

    [Fact]
    public async Task A_writer_holds_no_more_than_a_few_parts_in_memory()
    {
        string bucket = await stand.NewBucketAsync();
        using var gate = new SemaphoreSlim(0);
        await using var blocking = await AwsServer.StartAsync(async (request, token) =>
        {
            if (request.HasQuery("partNumber"))
            {
                await gate.WaitAsync(token);
            }

            return request.HasQuery("uploads") && request.Method == "POST"
                ? new AwsReply(200, new Dictionary<string, string> { ["Content-Type"] = "application/xml" }, "<InitiateMultipartUploadResult><Bucket>b</Bucket><Key>k</Key><UploadId>u</UploadId></InitiateMultipartUploadResult>"u8.ToArray())
                : new AwsReply(200, new Dictionary<string, string> { ["ETag"] = "\"e\"" }, []);
        });
        using var held = new S3ObjectStore(AwsStand.OptionsOf(blocking) with { PartSizeBytes = Part, PartsAtOnce = 2 }, TimeProvider.System, AwsStand.Ids());
        var writer = held.OpenWrite($"s3://{bucket}/held");
        await writer.WriteAsync(new byte[(2 * Part) + 1]);
        using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await writer.WriteAsync(new byte[Part], limit.Token));
        Assert.InRange(writer.HeldBytes, 3L * Part, 6L * Part); // two on their way and one that fills, in buffers that are powers of two
        gate.Release(10);
        await writer.DisposeAsync();
        Assert.Equal(0, writer.HeldBytes);
        Assert.True(blocking.Requests.Count(request => request.HasQuery("partNumber")) <= 2);
    }

    [Fact]
    public async Task A_writer_that_is_given_up_aborts_its_upload()
    {
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store(options => options with { PartSizeBytes = Part });
        using (var writer = store.OpenWrite($"s3://{bucket}/gone"))
        {
            writer.Write(new byte[Part + 1]);
        }

        using var client = stand.Client();
        Assert.Empty((await client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = bucket })).MultipartUploads ?? []);
        Assert.Empty(await ListAsync(store, $"s3://{bucket}/"));
    }

    [Fact]
    public async Task Uploads_of_dead_writers_are_found_and_aborted()
    {
        string bucket = await stand.NewBucketAsync();
        using var client = stand.Client();
        foreach (string key in (string[])["db/t/data/a", "db/t/data/b", "db/other/c"])
        {
            await client.InitiateMultipartUploadAsync(new InitiateMultipartUploadRequest { BucketName = bucket, Key = key });
        }

        using var store = stand.Store();
        var soon = DateTimeOffset.UtcNow.AddDays(1);
        Assert.Equal(2, await store.DeleteUnfinishedAsync($"s3://{bucket}/db/t/", soon, default));
        Assert.Equal(0, await store.DeleteUnfinishedAsync($"s3://{bucket}/db/t/", soon, default));
        Assert.Equal("db/other/c", Assert.Single((await client.ListMultipartUploadsAsync(new ListMultipartUploadsRequest { BucketName = bucket })).MultipartUploads).Key);
    }

    [Fact]
    public async Task What_the_options_ask_of_an_object_stands_in_its_requests()
    {
        string bucket = await stand.NewBucketAsync();
        int before = stand.S3.Requests.Count;
        using var store = stand.Store(options => options with
        {
            Encryption = S3Encryption.Kms, KmsKeyId = "arn:aws:kms:us-east-1:1:key/k", BucketKey = true, RequesterPays = true, PartSizeBytes = Part,
            WriteTags = new Dictionary<string, string> { ["team"] = "lake = co" }, StorageClass = "INTELLIGENT_TIERING",
        });
        await WriteAsync(store, $"s3://{bucket}/small", new byte[3]);
        await WriteAsync(store, $"s3://{bucket}/large", new byte[Part + 3]);
        await store.ReadAsync($"s3://{bucket}/small", default);
        await ListAsync(store, $"s3://{bucket}/");
        await store.DeleteAsync([$"s3://{bucket}/small"], default);
        var sent = Since(before, bucket);
        Assert.All(sent, request => Assert.Equal("requester", request.Headers.GetValueOrDefault("x-amz-request-payer")));
        var making = sent.Where(request => (request.Method == "PUT" && !request.HasQuery("partNumber")) || (request.Method == "POST" && request.HasQuery("uploads"))).ToList();
        Assert.Equal(2, making.Count);
        Assert.All(making, request =>
        {
            Assert.Equal("aws:kms", request.Headers["x-amz-server-side-encryption"]);
            Assert.Equal("arn:aws:kms:us-east-1:1:key/k", request.Headers["x-amz-server-side-encryption-aws-kms-key-id"]);
            Assert.Equal("true", request.Headers["x-amz-server-side-encryption-bucket-key-enabled"], ignoreCase: true);
            Assert.Equal("INTELLIGENT_TIERING", request.Headers["x-amz-storage-class"]);
        });
        using var client = stand.Client();
        var tag = Assert.Single((await client.GetObjectTaggingAsync(new GetObjectTaggingRequest { BucketName = bucket, Key = "large" })).Tagging);
        Assert.Equal(("team", "lake = co"), (tag.Key, tag.Value));
    }

    [Fact]
    public async Task Deleting_goes_in_batches_of_a_thousand()
    {
        string bucket = await stand.NewBucketAsync();
        using var store = stand.Store();
        int before = stand.S3.Requests.Count;
        await store.DeleteAsync([.. Enumerable.Range(0, 2500).Select(i => $"s3://{bucket}/d/{i}")], default);
        Assert.Equal(3, Since(before, bucket).Count(request => request.Method == "POST" && request.HasQuery("delete")));
    }

    private List<AwsRequest> Since(int count, string bucket) => [.. stand.S3.Requests.Skip(count).Where(request => request.RawPath.StartsWith("/" + bucket, StringComparison.Ordinal))];

    private static byte[] RandomBytes(int count)
    {
        byte[] bytes = new byte[count];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    private static async Task WriteAsync(IObjectStore store, string location, byte[] content)
    {
        await using var writer = store.OpenWrite(location);
        await writer.WriteAsync(content);
        await writer.CompleteAsync(default);
    }

    private static async Task<List<string>> ListAsync(IObjectStore store, string prefix)
    {
        var locations = new List<string>();
        await foreach (var one in store.ListAsync(prefix, default))
        {
            locations.Add(one.Location);
        }

        return locations;
    }
}
