using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace OrleansLake.Deploy.Tests;

/// <summary>Which rights the calls of OrleansLake.Aws and of Orleans' providers need, read from what their assemblies refer to in the AWS SDK.</summary>
internal static class AwsCalls
{
    // https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html: where an action has another name than the call.
    private static readonly Dictionary<string, string[]> Others = new()
    {
        ["s3:GetObjectMetadata"] = ["s3:GetObject"],
        ["s3:PutObject"] = ["s3:PutObject", "s3:PutObjectTagging"],
        ["s3:InitiateMultipartUpload"] = ["s3:PutObject", "s3:PutObjectTagging"],
        ["s3:UploadPart"] = ["s3:PutObject"],
        ["s3:CompleteMultipartUpload"] = ["s3:PutObject"],
        ["s3:DeleteObjects"] = ["s3:DeleteObject"],
        ["s3:ListMultipartUploads"] = ["s3:ListBucketMultipartUploads"],
        ["s3:ListObjectsV2"] = ["s3:ListBucket"],
        // A transaction needs the rights of what is in it.
        ["dynamodb:TransactGetItems"] = ["dynamodb:GetItem"],
        ["dynamodb:TransactWriteItems"] = ["dynamodb:PutItem", "dynamodb:UpdateItem"],
    };

    private static readonly string[] Assemblies = ["OrleansLake.Aws.dll", "Orleans.Clustering.DynamoDB.dll", "Orleans.Persistence.DynamoDB.dll", "Orleans.Reminders.DynamoDB.dll"];

    private static readonly Dictionary<string, string> Services = new()
    {
        ["Amazon.S3"] = "s3",
        ["Amazon.Glue"] = "glue",
        ["Amazon.DynamoDBv2"] = "dynamodb",
        ["Amazon.SecretsManager"] = "secretsmanager",
        ["Amazon.SimpleSystemsManagement"] = "ssm",
    };

    /// <summary>What the providers of DynamoDB call only where they make tables themselves, or (a scan) for clients.</summary>
    public static IReadOnlyList<string> OfTables { get; } =
    [
        "dynamodb:CreateTable", "dynamodb:DescribeTable", "dynamodb:UpdateTable", "dynamodb:DeleteTable", "dynamodb:DescribeTimeToLive", "dynamodb:UpdateTimeToLive", "dynamodb:Scan",
    ];

    /// <summary>The actions.</summary>
    public static IEnumerable<string> Actions() => Assemblies.SelectMany(ActionsOf);

    private static List<string> ActionsOf(string assembly)
    {
        using var file = new PEReader(File.OpenRead(Path.Combine(AppContext.BaseDirectory, assembly)));
        MetadataReader reader = file.GetMetadataReader();
        var actions = new List<string>();
        foreach (MemberReferenceHandle handle in reader.MemberReferences)
        {
            MemberReference member = reader.GetMemberReference(handle);
            string name = reader.GetString(member.Name);
            if (member.Parent.Kind == HandleKind.TypeReference && name.EndsWith("Async", StringComparison.Ordinal)
                && Services.TryGetValue(reader.GetString(reader.GetTypeReference((TypeReferenceHandle)member.Parent).Namespace), out string? service))
            {
                string call = $"{service}:{name[..^"Async".Length]}";
                actions.AddRange(Others.GetValueOrDefault(call, [call]));
            }
        }

        Assert.NotEmpty(actions);
        return actions;
    }
}
