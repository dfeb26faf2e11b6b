using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using OrleansLake.Testing.Aws;

namespace OrleansLake.Aws.Tests.Secrets;

public sealed class SecretReaderTests(AwsStand stand)
{
    private const string Value = "{\"apiKey\":\"KEY\",\"apiSecret\":\"p@ss word\",\"user\":\"u\"}";

    [Fact]
    public async Task A_secret_is_read_from_Secrets_Manager_by_a_signed_request_and_again_after_it_changed()
    {
        AwsStand.SkipWithoutMoto();
        await using var server = await AwsServer.StartBeforeAsync(stand.Moto.Address, AwsStand.Signatures("secretsmanager"));
        await AskAsync("secretsmanager", "secretsmanager.CreateSecret", new { Name = "prod/kafka", SecretString = Value, ClientRequestToken = Guid.NewGuid().ToString() });
        using var secrets = new SecretReader();
        var place = new SecretPlace("prod/kafka", AwsStand.Region, server.Address);
        string read = await secrets.ReadAsync(place, default);
        Assert.Equal(("KEY", "p@ss word"), SecretReader.Fields(read, place, "apiKey", "apiSecret"));
        await AskAsync("secretsmanager", "secretsmanager.PutSecretValue", new { SecretId = "prod/kafka", SecretString = "rotated", ClientRequestToken = Guid.NewGuid().ToString() });
        Assert.Equal("rotated", await secrets.ReadAsync(place, default));
        var missing = await Assert.ThrowsAsync<AwsException>(() => secrets.ReadAsync(place with { Name = "none" }, default));
        Assert.Equal("ResourceNotFoundException", missing.Code);
    }

    [Fact]
    public async Task A_parameter_of_SSM_is_read_decrypted()
    {
        AwsStand.SkipWithoutMoto();
        await using var server = await AwsServer.StartBeforeAsync(stand.Moto.Address, AwsStand.Signatures("ssm"));
        await AskAsync("ssm", "AmazonSSM.PutParameter", new { Name = "/kafka/login", Value, Type = "SecureString" });
        using var secrets = new SecretReader();
        Assert.Equal(Value, await secrets.ReadAsync(new SecretPlace("ssm:/kafka/login", AwsStand.Region, server.Address), default));
    }

    [Fact]
    public async Task Files_and_variables_are_read_where_they_are()
    {
        string file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, Value + "\n", TestContext.Current.CancellationToken);
            Environment.SetEnvironmentVariable("LAKE_TEST_SECRET", "v");
            using var secrets = new SecretReader();
            Assert.Equal(Value, await secrets.ReadAsync(new SecretPlace("file:" + file), default));
            Assert.Equal("v", await secrets.ReadAsync(new SecretPlace("env:LAKE_TEST_SECRET"), default));
            await Assert.ThrowsAsync<AwsException>(() => secrets.ReadAsync(new SecretPlace("env:LAKE_TEST_NONE"), default));
            await Assert.ThrowsAsync<AwsException>(() => secrets.ReadAsync(new SecretPlace("file:/no/such/file"), default));
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Theory]
    [InlineData(Value, "apiKey, apiSecret, user")]
    [InlineData("{\"user\":7}", "none")]
    [InlineData("not JSON: p@ss word", "something else")]
    [InlineData("[\"p@ss word\"]", "something else")]
    public void A_secret_that_lacks_a_field_is_told_by_its_fields_and_never_by_its_values(string secret, string found)
    {
        var error = Assert.Throws<AwsException>(() => SecretReader.Fields(secret, new SecretPlace("prod/kafka"), "login", "password"));
        Assert.Contains("prod/kafka", error.Message);
        Assert.Contains(found, error.Message);
        Assert.DoesNotContain("p@ss word", error.ToString());
    }

    /// <summary>A request to moto that prepares something: it looks at the scope of a signature and not at the signature.</summary>
    private async Task AskAsync(string service, string target, object body)
    {
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Post, stand.Moto.Address) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(body))) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/x-amz-json-1.1");
        request.Headers.TryAddWithoutValidation("X-Amz-Target", target);
        request.Headers.TryAddWithoutValidation("Authorization", $"AWS4-HMAC-SHA256 Credential={AwsStand.AccessKey}/20260101/{AwsStand.Region}/{service}/aws4_request, SignedHeaders=host, Signature=0");
        using var response = await http.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
    }
}
