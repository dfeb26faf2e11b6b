using System.Text;
using OrleansLake.Iceberg;
using OrleansLake.Testing.Aws;

namespace OrleansLake.Aws.Tests.S3;

public sealed class S3TroubleTests(AwsStand stand)
{
    private static readonly AwsReply SlowDown = AwsReply.S3Error(503, "SlowDown", "Please reduce your request rate.");

    [Fact]
    public void The_SDK_repeats_with_growing_pauses_and_adapts_its_rate_where_that_is_asked_for()
    {
        var options = new S3StoreOptions { Region = "eu-central-1", AccessKeyId = "k", SecretAccessKey = "s", MostAttempts = 4 };
        using var standard = S3Clients.Create(options);
        using var adaptive = S3Clients.Create(options with { AdaptiveRetries = true });
        Assert.Equal((Amazon.Runtime.RequestRetryMode.Standard, 3), (standard.Config.RetryMode, standard.Config.MaxErrorRetry));
        Assert.Equal(Amazon.Runtime.RequestRetryMode.Adaptive, adaptive.Config.RetryMode);
    }

    [Fact]
    public async Task A_server_that_says_slow_down_is_asked_again()
    {
        var (bucket, proxy, store) = await BehindAsync();
        await using var owned = proxy;
        using var disposed = store;
        proxy.Fail(new AwsFault(request => request.Method == "PUT") { Instead = SlowDown, Times = 2 });
        Assert.True(await store.TryCreateAsync($"s3://{bucket}/a", new byte[] { 7 }, default));
        Assert.Equal(7, (await store.ReadAsync($"s3://{bucket}/a", default)).Span[0]);
        Assert.Equal(3, proxy.Requests.Count(request => request.Method == "PUT"));
    }

    [Fact]
    public async Task One_that_says_it_for_ever_is_an_error_with_its_words()
    {
        var (bucket, proxy, store) = await BehindAsync(options => options with { MostAttempts = 2 });
        await using var owned = proxy;
        using var disposed = store;
        proxy.Fail(new AwsFault(_ => true) { Instead = SlowDown, Times = 100 });
        var error = await Assert.ThrowsAsync<AwsException>(() => store.ReadAsync($"s3://{bucket}/a", default));
        Assert.Equal("SlowDown", error.Code);
        Assert.Contains($"s3://{bucket}/a", error.Message);
        Assert.Contains("reduce your request rate", error.Message);
        Assert.DoesNotContain(AwsStand.Secret, error.ToString());
    }

    [Fact]
    public async Task An_object_whose_creation_went_unanswered_is_found_to_be_ours()
    {
        var (bucket, proxy, store) = await BehindAsync();
        await using var owned = proxy;
        using var disposed = store;
        proxy.Fail(new AwsFault(request => request.Method == "PUT") { LosesAnswer = true });
        Assert.True(await store.TryCreateAsync($"s3://{bucket}/mine", new byte[] { 1 }, default));
        Assert.Equal(2, proxy.Requests.Count(request => request.Method == "PUT"));
        proxy.Fail(new AwsFault(request => request.Method == "PUT") { LosesAnswer = true });
        Assert.False(await store.TryCreateAsync($"s3://{bucket}/mine", new byte[] { 1 }, default));
    }

    [Fact]
    public async Task An_upload_whose_end_went_unanswered_is_found_to_be_done()
    {
        var (bucket, proxy, store) = await BehindAsync(options => options with { PartSizeBytes = S3StoreOptions.LeastPartBytes });
        await using var owned = proxy;
        using var disposed = store;
        proxy.Fail(new AwsFault(request => request.Method == "POST" && request.HasQuery("uploadId")) { LosesAnswer = true });
        byte[] content = new byte[S3StoreOptions.LeastPartBytes + 10];
        content[^1] = 5;
        await using (var writer = store.OpenWrite($"s3://{bucket}/large"))
        {
            await writer.WriteAsync(content);
            await writer.CompleteAsync(default);
        }

        Assert.Equal(5, (await store.ReadRangeAsync($"s3://{bucket}/large", content.Length - 1, 1, default)).Span[0]);
    }

    [Fact]
    public async Task A_part_that_fails_for_good_fails_the_writer_and_leaves_nothing()
    {
        var (bucket, proxy, store) = await BehindAsync(options => options with { PartSizeBytes = S3StoreOptions.LeastPartBytes });
        await using var owned = proxy;
        using var disposed = store;
        proxy.Fail(new AwsFault(request => request.HasQuery("partNumber")) { Instead = AwsReply.S3Error(403, "AccessDenied", "no"), Times = 10 });
        await using (var writer = store.OpenWrite($"s3://{bucket}/large"))
        {
            await writer.WriteAsync(new byte[S3StoreOptions.LeastPartBytes + 10]);
            var error = await Assert.ThrowsAsync<AwsException>(() => writer.CompleteAsync(default));
            Assert.Equal("AccessDenied", error.Code);
        }

        Assert.Contains(proxy.Requests, request => request.Method == "DELETE" && request.HasQuery("uploadId"));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => store.GetSizeAsync($"s3://{bucket}/large", default));
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_read_on_where_it_broke()
    {
        var (bucket, proxy, store) = await BehindAsync();
        await using var owned = proxy;
        using var disposed = store;
        byte[] content = new byte[200_000];
        new Random(3).NextBytes(content);
        Assert.True(await store.TryCreateAsync($"s3://{bucket}/a", content, default));
        proxy.Fail(new AwsFault(request => request.Method == "GET") { BreaksAfterBytes = 70_000 });
        Assert.Equal(content, (await store.ReadAsync($"s3://{bucket}/a", default)).ToArray());
        var again = proxy.Requests.Last(request => request.Method == "GET");
        Assert.EndsWith("-199999", again.Headers["Range"]);
        Assert.True(again.Headers.ContainsKey("If-Match"));
        proxy.Fail(new AwsFault(request => request.Method == "GET") { BreaksAfterBytes = 0, Times = 2 });
        Assert.Equal(content[100..200], (await store.ReadRangeAsync($"s3://{bucket}/a", 100, 100, default)).ToArray());
    }

    [Fact]
    public async Task A_batch_that_fails_for_some_keys_is_deleted_again_for_those()
    {
        var (bucket, proxy, store) = await BehindAsync();
        await using var owned = proxy;
        using var disposed = store;
        foreach (string key in (string[])["a", "b"])
        {
            await store.TryCreateAsync($"s3://{bucket}/{key}", new byte[] { 1 }, default);
        }

        proxy.Fail(new AwsFault(request => request.HasQuery("delete"))
        {
            Instead = new AwsReply(200, new Dictionary<string, string> { ["Content-Type"] = "application/xml" }, Encoding.UTF8.GetBytes(
                "<DeleteResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Error><Key>b</Key><Code>SlowDown</Code><Message>slow</Message></Error></DeleteResult>")),
        });
        await store.DeleteAsync([$"s3://{bucket}/a", $"s3://{bucket}/b"], default);
        var last = proxy.Requests.Last(request => request.HasQuery("delete"));
        Assert.DoesNotContain("<Key>a</Key>", Encoding.UTF8.GetString(last.Body));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => store.GetSizeAsync($"s3://{bucket}/b", default));
    }

    [Fact]
    public async Task Bytes_that_changed_on_the_way_are_found_by_their_checksum()
    {
        var (bucket, proxy, store) = await BehindAsync();
        await using var owned = proxy;
        using var disposed = store;
        byte[] content = [1, 2, 3];
        proxy.Fail(new AwsFault(request => request.Method == "GET")
        {
            Instead = new AwsReply(200, new Dictionary<string, string> { ["ETag"] = "\"5289df737df57326fcdd22597afb1fac\"", ["x-amz-checksum-crc32c"] = Crc32C.HeaderOf([1, 2, 4]), ["x-amz-checksum-type"] = "FULL_OBJECT" }, content),
        });
        var error = await Assert.ThrowsAsync<AwsException>(() => store.ReadAsync($"s3://{bucket}/a", default));
        Assert.Contains("CRC-32C", error.Message);
    }

    [Fact]
    public async Task A_bucket_that_is_missing_is_not_an_object_that_is_missing()
    {
        var (_, proxy, store) = await BehindAsync();
        await using var owned = proxy;
        using var disposed = store;
        var error = await Assert.ThrowsAsync<AwsException>(() => store.ReadAsync("s3://no-such-bucket/a", default));
        Assert.Equal("NoSuchBucket", error.Code);
    }

    [Fact]
    public void The_checksum_is_that_of_the_standard()
    {
        Assert.Equal(0xE3069283u, Crc32C.Of("123456789"u8)); // the check value that catalogues of CRCs give for CRC-32C
        Assert.Equal(0x8A9136AAu, Crc32C.Of(new byte[32])); // RFC 3720, appendix B.4
        Assert.Equal("4waSgw==", Crc32C.HeaderOf("123456789"u8));
    }

    private async Task<(string Bucket, AwsServer Proxy, S3ObjectStore Store)> BehindAsync(Func<S3StoreOptions, S3StoreOptions>? change = null)
    {
        string bucket = await stand.NewBucketAsync();
        var proxy = await AwsServer.StartBeforeAsync(stand.Moto.Address, AwsStand.Signatures("s3"));
        var options = AwsStand.OptionsOf(proxy);
        return (bucket, proxy, new S3ObjectStore(change?.Invoke(options) ?? options, TimeProvider.System, AwsStand.Ids()));
    }
}
